/** Reading sealed lines back from the archive: manifests by their place in the log, segments, and the lines of one batch. */
import { AuditStorageError } from "#lib/errors.ts";
import { MANIFEST_PREFIX, manifestKey } from "#service/log-layout.ts";
import type { Manifest } from "#service/manifest.ts";
import { decodeManifest, leafLines } from "#service/manifest.ts";
import type { Archive, BatchRecord } from "#service/ports.ts";
import { decodeSegment, segmentRange } from "#service/segment.ts";

type Reading = Pick<Archive, "get">;

/** The leaf behind the last one of a manifest, as its key says; undefined for other keys. */
export function manifestEnd(key: string): number | undefined {
  const end = Number(key.slice(MANIFEST_PREFIX.length, -".json".length));
  return Number.isSafeInteger(end) && key === manifestKey(end) ? end : undefined;
}

/** @throws AuditStorageError `storage-unavailable`, not retryable where it is missing, damaged or of a newer release */
export async function readManifest(archive: Reading, key: string): Promise<Manifest> {
  const bytes = await archive.get(key);
  if (bytes === undefined) throw missing(`manifest ${key}`);
  return decodeManifest(bytes, key);
}

/** @throws AuditStorageError `storage-unavailable`, not retryable where it is missing, damaged or of a newer release */
export async function readSegment(archive: Reading, key: string): Promise<readonly string[]> {
  const bytes = await archive.get(key);
  if (bytes === undefined) throw missing(`segment ${key}`);
  return decodeSegment(bytes, key);
}

/**
 * Lines of a sealed batch, by their numbers in it: winners and conflicts, which alone have leaves.
 * @throws AuditStorageError `storage-unavailable`, not retryable where they are not where the row says
 */
export async function readSealedLines(
  archive: Reading,
  { batchId, winners, conflicts, sealed }: BatchRecord,
): Promise<ReadonlyMap<number, string>> {
  const numbers = leafLines({ winners, conflicts });
  if (numbers.length === 0) return new Map();
  const segment = sealed?.segment;
  const range = segment === undefined ? undefined : segmentRange(segment);
  if (sealed === undefined || segment === undefined || range === undefined)
    throw misplaced(batchId, "its row names no segment");
  const lines = await readSegment(archive, segment);
  return new Map(
    numbers.map((line, rank) => {
      const text = lines[sealed.firstLeaf + rank - range.firstLeaf];
      if (text === undefined) throw misplaced(batchId, `segment ${segment} does not hold its leaves`);
      return [line, text];
    }),
  );
}

function misplaced(batchId: string, problem: string): AuditStorageError {
  const message = `the lines of batch ${batchId} cannot be read from the log: ${problem}`;
  return new AuditStorageError("storage-unavailable", message);
}

function missing(what: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `${what} is missing`, { details: { isMissing: true } });
}

/** Whether a manifest or segment could not be read because it is not there. */
export function isMissing({ details }: AuditStorageError): boolean {
  return details["isMissing"] === true;
}
