/**
 * Which files hold the lines of a log, in leaf order. Segments of a bucket and the lines of an auditor's bundle say in
 * their names which leaves they hold; local files say their first line, which is their first leaf.
 */
import { UndecidedError } from "#verify/finding.ts";
import type { LineFile } from "#verify/line-file.ts";
import { hasLocalFiles, listLocalFiles } from "#verify/local-files.ts";
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

/**
 * @param stem name of the live file without `.jsonl`; undefined: the only one
 * @throws UndecidedError where the place does not say which lines are those of the log
 */
export async function findLineFiles(source: LogSource, stem?: string): Promise<LineFiles> {
  const { list, open } = source;
  if (list === undefined || open === undefined) {
    return {
      files: [],
      range: WHOLE,
      unchecked: "a server gives no lines by leaf; give a folder or a bucket",
    };
  }
  if (source.folder !== undefined && stem !== undefined) return localLines(source.folder, stem);
  const segments = named(await list(SEGMENTS), open);
  if (source.folder === undefined) return { files: segments, range: WHOLE };
  // Whoever can write into a folder could hide its lines behind those of another form.
  const range = await readRange(source);
  const forms = [
    segments.length > 0 ? "segments" : "",
    hasLocalFiles(source.folder) ? "the files of a local log" : "",
    range === undefined ? "" : "a bundle for auditors (range.json)",
  ].filter((form) => form !== "");
  if (forms.length > 1) {
    throw new UndecidedError(
      `${source.name} holds ${forms.join(" and ")}; name the live file, or move what does not belong to the log`,
    );
  }
  if (range !== undefined) return { files: named(await list(BUNDLE_LINES), open), range };
  return segments.length > 0 ? { files: segments, range: WHOLE } : localLines(source.folder, undefined);
}

async function localLines(folder: string, stem: string | undefined): Promise<LineFiles> {
  return { files: await listLocalFiles(folder, stem), range: WHOLE };
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
    return [{ name: key, firstLeaf, count, open: () => ({ isCompressed, bytes: open(key) }) }];
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
  const [first, count] = [Number(match[1]), Number(match[2])];
  if (count === 0) throw new UndecidedError(`${BUNDLE_RANGE} says that the bundle holds no lines`);
  return { first, end: first + count };
}
