/**
 * Which files hold the lines of a log, in leaf order. Segments of a bucket and the lines of an auditor's bundle say in
 * their names which leaves they hold; local files say their first line, which is their first leaf.
 */
import { UndecidedError } from "#verify/finding.ts";
import type { LineFile } from "#verify/line-file.ts";
import { listLocalFiles } from "#verify/local-files.ts";
import type { LogSource } from "#verify/log-source.ts";

/** The leaves whose lines should be there. */
export interface LineRange {
  readonly first: number;
  /** The one behind the last; undefined: all that the checkpoint covers. */
  readonly end: number | undefined;
}

export interface LineFiles {
  readonly files: readonly LineFile[];
  readonly range: LineRange;
  /** Why lines are not checked. */
  readonly unchecked?: string | undefined;
}

export const SEGMENTS = "segments/v1/";
/** Lines of an auditor's bundle. */
export const BUNDLE_LINES = "lines/";
/** Says which leaves an auditor's bundle holds lines of. */
export const BUNDLE_RANGE = "range.json";

const NAME = /(?:^|\/)(\d{16})-(\d{1,16})\.jsonl(\.gz)?$/;
const MAX_RANGE_BYTES = 1024;
const WHOLE: LineRange = { first: 0, end: undefined };

/** @param stem name of the live file without `.jsonl`, where a folder holds several logs */
export async function findLineFiles(source: LogSource, stem?: string): Promise<LineFiles> {
  const { list, open } = source;
  if (list === undefined || open === undefined) {
    return {
      files: [],
      range: WHOLE,
      unchecked: "a server gives no lines by leaf; give a folder or a bucket",
    };
  }
  const range = await readRange(source);
  if (range !== undefined) return { files: named(await list(BUNDLE_LINES), open), range };
  const segments = named(await list(SEGMENTS), open);
  if (segments.length > 0 || source.folder === undefined) return { files: segments, range: WHOLE };
  return { files: await listLocalFiles(source.folder, stem), range: WHOLE };
}

function named(
  keys: readonly string[],
  open: (key: string) => AsyncIterable<Uint8Array>,
): readonly LineFile[] {
  const files = keys.flatMap((key): readonly LineFile[] => {
    const match = NAME.exec(key);
    if (match === null) return [];
    const [firstLeaf, count] = [Number(match[1]), Number(match[2])];
    const isCompressed = match[3] !== undefined;
    return [{ name: key, firstLeaf, count, isCompressed, open: () => open(key) }];
  });
  return files.sort((a, b) => (a.firstLeaf ?? 0) - (b.firstLeaf ?? 0));
}

/** @throws UndecidedError where it is no range */
async function readRange(source: LogSource): Promise<LineRange | undefined> {
  const bytes = await source.read(BUNDLE_RANGE, MAX_RANGE_BYTES);
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes).toString("utf8");
  const match = /^\{"format":1,"first_leaf":(\d{1,15}),"count":(\d{1,15})\}\s*$/.exec(text);
  if (match === null) throw new UndecidedError(`${BUNDLE_RANGE} does not say which leaves the bundle holds`);
  return { first: Number(match[1]), end: Number(match[1]) + Number(match[2]) };
}
