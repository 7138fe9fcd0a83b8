/**
 * Lines by leaf, from segments: manifests are named by the leaf behind their last one, so a listing finds those that hold a
 * leaf. A segment of many lines that was read last is kept, as long as S3 says that it has not changed: readers of the log go through it in steps.
 */
import { inParallel } from "#adapters/aws/parallel.ts";
import type { ObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { MANIFEST_PREFIX, manifestKey } from "#service/log-layout.ts";
import type { LeafLine } from "#service/log-ports.ts";
import type { Manifest } from "#service/manifest.ts";
import { decodeManifest } from "#service/manifest.ts";
import { decodeSegment } from "#service/segment.ts";

/** Segments of a quiet log hold few lines; more of them take another call. */
const MAX_SEGMENTS = 32;
const MAX_PARALLEL = 8;
/** Segments of as many lines at most are read before they are needed: together they weigh less than one that is full. */
const FEW_LINES = 50;
/** Of the segment that is kept, as it is stored; its text is a few times as large. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

interface KeptSegment {
  readonly key: string;
  readonly etag: string;
  readonly lines: readonly string[];
}

export class SegmentReader {
  private readonly objects: ObjectReader;
  private kept: KeptSegment | undefined;

  constructor(objects: ObjectReader) {
    this.objects = objects;
  }

  /**
   * The lines of leaves from `from` on and below `end`, in order, without a gap; at least one, and maybe not all.
   * @param end at most the size of the published log
   * @throws AuditStorageError `storage-unavailable`
   */
  async *read(from: number, end: number): AsyncIterable<LeafLine> {
    let next = from;
    const manifests = await this.manifests(from, end);
    const reading: Promise<readonly string[]>[] = [];
    for (const [at, { firstLeaf, count, derivedIds }] of manifests.entries()) {
      if (firstLeaf > next) throw missing(next, `the next one begins at leaf ${firstLeaf}`);
      for (const ahead of manifests.slice(reading.length, at + MAX_PARALLEL)) {
        if (reading.length > at && ahead.count > FEW_LINES) break;
        const started = this.lines(ahead);
        started.catch(() => undefined); // it may never be needed
        reading.push(started);
      }
      const lines = (await reading[at]) ?? [];
      for (; next < Math.min(end, firstLeaf + count); next++) {
        const text = lines[next - firstLeaf] ?? "";
        const derivedId = derivedIds.get(next);
        yield { leaf: next, text, ...(derivedId !== undefined && { derivedId }) };
      }
    }
  }

  private async manifests(from: number, end: number): Promise<readonly Manifest[]> {
    const keys = await this.objects.keysAfter(MANIFEST_PREFIX, manifestKey(from), MAX_SEGMENTS);
    const behind = keys.findIndex((key) => key >= manifestKey(end));
    const wanted = behind < 0 ? keys : keys.slice(0, behind + 1);
    if (wanted.length === 0) throw missing(from, "there is none behind it");
    return inParallel(wanted, MAX_PARALLEL, async (key) => {
      const bytes = await this.objects.get(key);
      if (bytes === undefined) throw missing(from, `${key} is gone`);
      return decodeManifest(bytes, key);
    });
  }

  private async lines({ segment: key, count }: Manifest): Promise<readonly string[]> {
    const { kept } = this;
    const found =
      kept?.key === key ? await this.objects.getUnless(key, kept.etag) : await this.objects.getVersion(key);
    if (found === "known") return kept?.lines ?? [];
    if (found === undefined) {
      throw new AuditStorageError(
        "storage-unavailable",
        `segment ${key} is missing, though its manifest is there`,
      );
    }
    const lines = decodeSegment(found.bytes, key);
    if (count > FEW_LINES && found.bytes.length <= MAX_KEPT_BYTES)
      this.kept = { key, etag: found.etag, lines };
    return lines;
  }
}

function missing(leaf: number, found: string): AuditStorageError {
  const message = `no manifest holds leaf ${leaf}, though the log does: ${found}`;
  return new AuditStorageError("storage-unavailable", message);
}
