/**
 * The lines of a log as leaves: walks the files in order, says which leaves have a line and where it stands, and notes gaps,
 * overlaps and files that end too soon. What the lines should be is not known here.
 */
import type { Finding } from "#verify/finding.ts";
import { leafRange } from "#verify/finding.ts";
import type { FileEnd, LineBlock } from "#verify/line-blocks.ts";
import { readLineBlocks } from "#verify/line-blocks.ts";
import type { LineFile } from "#verify/line-file.ts";
import { HASH_BYTES } from "#verify/native-hash.ts";
import type { SpecialLine } from "#verify/special-lines.ts";
import { mayBeSpecial, readSpecialLine } from "#verify/special-lines.ts";

/** A stretch of leaves whose lines stand behind each other. */
export interface LeafRun {
  readonly file: LineFile;
  readonly firstLeaf: number;
  readonly count: number;
  readonly block: LineBlock;
  /** Line of the block that the first leaf has. */
  readonly firstLine: number;
  /** Set where the run is one line that stands for others; a marker stands for all leaves of the run. */
  readonly special?: SpecialLine | undefined;
  /** First leaf that the special line takes, where the run is a later part of it. */
  readonly specialLeaf?: number | undefined;
}

export interface LineReader {
  /** Runs that begin below `end`, in order. What lies behind it is kept for the next call. */
  readonly readTo: (end: number) => AsyncGenerator<LeafRun>;
  /** Lets go of the files. */
  readonly close: () => Promise<void>;
}

export interface LineReaderOptions {
  readonly files: readonly LineFile[];
  /** First leaf that has a line. */
  readonly first: number;
  /** Leaves from here on are not sealed yet. */
  readonly end: number;
  readonly report: (finding: Finding) => void;
}

export function createLineReader({ files, first, end, report }: LineReaderOptions): LineReader {
  let position = first;
  const runs = runsOf();
  let held: LeafRun | undefined;

  async function* runsOf(): AsyncGenerator<LeafRun, undefined> {
    for (const [index, file] of files.entries()) {
      position = startOf(file, files[index - 1]);
      const begin = position;
      const blocks = readLineBlocks(file);
      try {
        let next = await blocks.next();
        for (; next.done !== true; next = await blocks.next()) yield* runsOfBlock(file, next.value);
        reportEnd(file, next.value, begin);
      } finally {
        await blocks.return({ unfinishedBytes: 0, problem: undefined });
      }
    }
    if (position < end) report(missing({ first: position, end, previous: files.at(-1)?.name }));
    return undefined;
  }

  /** Where a file begins; says what is wrong between it and the one before. */
  const startOf = (file: LineFile, previous: LineFile | undefined): number => {
    const { firstLeaf = position, name } = file;
    if (firstLeaf > position && position < end) {
      report(
        missing({ first: position, end: Math.min(end, firstLeaf), next: name, previous: previous?.name }),
      );
    }
    if (firstLeaf < position && firstLeaf < end) {
      report({
        kind: "lines-overlap",
        object: name,
        leaves: [firstLeaf, position],
        meaning: `it begins at leaf ${firstLeaf}, though ${previous?.name ?? "nothing"} goes up to leaf ${position - 1}`,
      });
    }
    return firstLeaf;
  };

  function* runsOfBlock(file: LineFile, block: LineBlock): Generator<LeafRun> {
    let plainFrom = 0;
    const plain = (to: number): LeafRun | undefined => {
      if (to === plainFrom) return undefined;
      const run = { file, block, firstLeaf: position, count: to - plainFrom, firstLine: plainFrom };
      position += run.count;
      return run;
    };
    for (let line = 0; line < block.count; line++) {
      if (!mayBeSpecial(block.bytes, block.starts[line] ?? 0)) continue;
      const special = readSpecialLine(lineOf(block, line));
      if (special === undefined) continue;
      const before = plain(line);
      if (before !== undefined) yield before;
      const count = special.kind === "marker" ? special.lines : 1;
      const firstLeaf = position;
      position += count;
      if (count > 0)
        yield { file, block, firstLeaf, count, firstLine: line, special, specialLeaf: firstLeaf };
      plainFrom = line + 1;
    }
    const last = plain(block.count);
    if (last !== undefined) yield last;
  }

  const reportEnd = (file: LineFile, { problem, unfinishedBytes }: FileEnd, begin: number): void => {
    const { name, count } = file;
    const has = position - begin;
    if (position >= end && !(count !== undefined && begin < end)) return;
    if (problem !== undefined) {
      report({
        kind: "line",
        object: name,
        leaf: position,
        line: has + 1,
        found: problem,
        meaning: `the file cannot be read on from the line of leaf ${position}: its bytes were altered`,
      });
    } else if (unfinishedBytes > 0) {
      report({
        kind: "lines-missing",
        object: name,
        leaf: position,
        line: has + 1,
        meaning: `the file ends in the middle of the line of leaf ${position}: it was cut`,
      });
    }
    if (count !== undefined && has !== count) {
      report({
        kind: has < count ? "lines-missing" : "line",
        object: name,
        leaves: has < count ? [position, begin + count] : [begin + count, position],
        expected: `${count} lines, by its name`,
        found: `${has} lines`,
        meaning:
          has < count
            ? `the file was cut: lines of ${leafRange(position, begin + count)} are missing`
            : "lines were added to the file",
      });
      position = begin + count;
    }
  };

  async function* readTo(to: number): AsyncGenerator<LeafRun> {
    for (;;) {
      let run = held;
      held = undefined;
      if (run === undefined) {
        const next = await runs.next();
        if (next.done === true) return;
        run = next.value;
      }
      const { firstLeaf, count } = run;
      if (firstLeaf >= to) {
        held = run;
        return;
      }
      if (firstLeaf + count <= to) {
        yield run;
        continue;
      }
      const taken = to - firstLeaf;
      yield { ...run, count: taken };
      const isMarker = run.special !== undefined;
      held = {
        ...run,
        firstLeaf: to,
        count: count - taken,
        firstLine: isMarker ? run.firstLine : run.firstLine + taken,
      };
      return;
    }
  }

  const close = async (): Promise<void> => {
    await runs.return(undefined);
  };
  return { readTo, close };
}

interface Gap {
  readonly first: number;
  readonly end: number;
  /** The file that begins behind it. */
  readonly next?: string | undefined;
  /** The file that ends before it. */
  readonly previous?: string | undefined;
}

function missing({ first, end, next, previous }: Gap): Finding {
  const gone = `lines of ${leafRange(first, end)} were sealed and are not there`;
  const before = previous === undefined ? "" : `${previous} ends before them`;
  const meaning =
    next === undefined
      ? `the end of the log was cut off: ${gone}${before === "" ? "" : `; ${before}`}`
      : `${gone}: a file was deleted or cut; ${before === "" ? "" : `${before} and `}${next} begins behind them`;
  return {
    kind: "lines-missing",
    object: previous ?? next ?? "the lines of the log",
    leaves: [first, end],
    meaning,
  };
}

export function lineOf({ bytes, starts }: LineBlock, line: number): Buffer {
  return bytes.subarray(starts[line] ?? 0, (starts[line + 1] ?? 1) - 1);
}

/** Hash of the line of the n-th leaf of a run. */
export function hashOf({ block, firstLine, special }: LeafRun, n: number): Buffer {
  const line = special === undefined ? firstLine + n : firstLine;
  return block.hashes.subarray(line * HASH_BYTES, (line + 1) * HASH_BYTES);
}

/** Where the line of the n-th leaf of a run stands. */
export function placeOf(run: LeafRun, n: number): { readonly line: number; readonly byte: number } {
  const { block, firstLine, special } = run;
  const line = special === undefined ? firstLine + n : firstLine;
  return { line: block.firstLine + line, byte: block.byte + (block.starts[line] ?? 0) };
}
