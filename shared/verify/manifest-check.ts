/** Holds the manifests of a bucket against its segments: which lines a segment holds is said twice, and must agree. */
import { UndecidedError } from "#verify/finding.ts";
import type { Finding } from "#verify/finding.ts";
import type { LineFile } from "#verify/line-file.ts";
import type { LogSource } from "#verify/log-source.ts";
import { readInOrder } from "#verify/log-source.ts";

const MANIFESTS = "manifests/";
/** A manifest has two bitmaps' worth of numbers per batch; this is far above the largest. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
const DIGITS = 16;

/** @param size manifests of leaves behind it are left */
export async function checkManifests(
  source: LogSource,
  { files, size }: { readonly files: readonly LineFile[]; readonly size: number },
): Promise<readonly Finding[]> {
  const segments = files.filter(
    ({ firstLeaf = 0, count }) => count !== undefined && firstLeaf + count <= size,
  );
  const check = async (file: LineFile): Promise<Finding | undefined> => {
    const end = (file.firstLeaf ?? 0) + (file.count ?? 0);
    const key = `${MANIFESTS}${String(end).padStart(DIGITS, "0")}.json`;
    const bytes = await source.read(key, MAX_MANIFEST_BYTES);
    const problem = bytes === undefined ? "it is not there" : problemOf(bytes, file);
    if (problem === undefined) return undefined;
    return {
      kind: "manifest",
      object: key,
      meaning: `the manifest of ${file.name} does not fit it: ${problem}`,
    };
  };
  const findings: Finding[] = [];
  for await (const finding of readInOrder(segments, Math.max(4, source.parallel), check)) {
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

function problemOf(bytes: Uint8Array, { name, firstLeaf, count }: LineFile): string | undefined {
  let manifest: unknown;
  try {
    manifest = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return "it is no JSON";
  }
  const read = (member: string, of: unknown = manifest): unknown =>
    typeof of === "object" && of !== null ? Reflect.get(of, member) : undefined;
  if (read("format") !== 1)
    throw new UndecidedError(`the manifest of ${name} is of a format that is not known`);
  if (read("segment") !== name) return `it names ${String(read("segment"))}`;
  if (read("first_leaf") !== firstLeaf || read("count") !== count) {
    return `it says ${String(read("count"))} lines from leaf ${String(read("first_leaf"))} on`;
  }
  const batches = read("batches");
  if (!Array.isArray(batches)) return "it names no batches";
  const lines = batches.reduce<number>((sum, batch: unknown) => {
    const [winners, conflicts] = [read("winners", batch), read("conflicts", batch)];
    return (
      sum + (Array.isArray(winners) ? winners.length : 0) + (Array.isArray(conflicts) ? conflicts.length : 0)
    );
  }, 0);
  return lines === count ? undefined : `its batches have ${lines} lines`;
}
