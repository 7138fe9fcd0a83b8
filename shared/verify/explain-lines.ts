/**
 * Says what happened to lines that are not what was sealed: altered, deleted, put in, or in another order. Looks for the line
 * that stands there among all entries, which takes a walk over the bundles and is done once.
 */
import type { Finding } from "#verify/finding.ts";
import { hex } from "#verify/finding.ts";
import type { LineMismatch } from "#verify/line-check.ts";
import { HASH_BYTES, TILE_WIDTH } from "#verify/native-hash.ts";
import type { TileReader } from "#verify/tile-reader.ts";

export interface ExplainOptions {
  readonly tiles: TileReader;
  readonly size: number;
}

/** One finding per mismatch; the first one of all says what happened as far as can be seen. */
export async function explainLines(
  mismatches: readonly LineMismatch[],
  options: ExplainOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const mismatch of mismatches) {
    const expected = await entryOf(mismatch.leaf, options.tiles);
    const meaning =
      findings.length === 0 ? await explain(mismatch, { expected, mismatches, options }) : undefined;
    findings.push(lineFinding(mismatch, expected, meaning));
  }
  return findings;
}

export function lineFinding(
  { leaf, object, line, byte, found }: LineMismatch,
  expected: Buffer | undefined,
  meaning = `the line of leaf ${leaf} is not the one that was sealed`,
): Finding {
  return {
    kind: "line",
    object,
    leaf,
    line,
    byte,
    expected: expected === undefined ? undefined : `a line with SHA-256 ${hex(expected)}`,
    found: hex(found),
    meaning,
  };
}

async function entryOf(leaf: number, tiles: TileReader): Promise<Buffer | undefined> {
  const entries = await tiles.entries(Math.floor(leaf / TILE_WIDTH));
  const at = (leaf % TILE_WIDTH) * HASH_BYTES;
  return entries?.subarray(at, at + HASH_BYTES);
}

interface Context {
  readonly expected: Buffer | undefined;
  readonly mismatches: readonly LineMismatch[];
  readonly options: ExplainOptions;
}

async function explain({ leaf, found }: LineMismatch, context: Context): Promise<string> {
  const { expected, mismatches, options } = context;
  const later = mismatches.find((other) => expected !== undefined && other.found.equals(expected));
  const sealedAs = await findEntry(found, options);
  if (sealedAs === undefined) {
    return later === undefined
      ? `the line of leaf ${leaf} is not the one that was sealed: it was altered`
      : `the line of leaf ${leaf} is not the one that was sealed: a line that never was sealed was put in before it`;
  }
  const place = `the line that stands in the place of leaf ${leaf} was sealed as leaf ${sealedAs}`;
  if (later !== undefined) return `${place}: lines or segments were reordered`;
  return sealedAs > leaf
    ? `${place}: the line of leaf ${leaf} was deleted`
    : `${place}: lines were deleted and repeated`;
}

async function findEntry(hash: Buffer, { tiles, size }: ExplainOptions): Promise<number | undefined> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const entries = await tiles.entries(index);
    if (entries === undefined) continue;
    for (let at = entries.indexOf(hash); at !== -1; at = entries.indexOf(hash, at + 1)) {
      if (at % HASH_BYTES === 0) return index * TILE_WIDTH + at / HASH_BYTES;
    }
  }
  return undefined;
}
