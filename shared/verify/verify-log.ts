/**
 * Verifies a log from its bytes and a public key alone: the signature of the checkpoint, every tile and bundle, every line
 * that is at hand, and that the log only grew since checkpoints that are known. Trusts nothing that it reads.
 */
import type { SignedCheckpoint } from "#verify/checkpoint-check.ts";
import { checkCheckpoint, witnessFinding } from "#verify/checkpoint-check.ts";
import { explainLines, lineFinding } from "#verify/explain-lines.ts";
import type { Finding } from "#verify/finding.ts";
import { hex, UndecidedError } from "#verify/finding.ts";
import type { TrustedKeys } from "#verify/keys.ts";
import { judgeTree } from "#verify/judge-tree.ts";
import { createLateDuplicates } from "#verify/late-duplicates.ts";
import type { LineCheck, LineCounts } from "#verify/line-check.ts";
import { createLineCheck } from "#verify/line-check.ts";
import type { LineFiles, LineRange } from "#verify/line-files.ts";
import { BUNDLE_RANGE, findLineFiles, SEGMENTS } from "#verify/line-files.ts";
import { createLineReader } from "#verify/line-reader.ts";
import type { LogSource } from "#verify/log-source.ts";
import { checkManifests } from "#verify/manifest-check.ts";
import { createQuarantineReader } from "#verify/quarantined-lines.ts";
import { createTileReader } from "#verify/tile-reader.ts";
import type { Walk, WalkProgress } from "#verify/tree-walk.ts";
import { AbandonedWalkError, walkLog } from "#verify/tree-walk.ts";

/** A checkpoint that is known from before or from somebody else. */
export interface KnownCheckpoint {
  /** Where it was kept. */
  readonly name: string;
  readonly note: string;
}

export interface VerifyOptions {
  readonly source: LogSource;
  readonly keys: TrustedKeys;
  readonly witnessesRequired: number;
  readonly known: readonly KnownCheckpoint[];
  /** Name of the live file without `.jsonl`, where a folder holds several logs. */
  readonly stem?: string | undefined;
  readonly onProgress?: ((progress: WalkProgress) => Promise<void>) | undefined;
}

export interface Verdict {
  readonly isVerified: boolean;
  /** The first ones; the very first is where to look. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  /** undefined where it does not hold. */
  readonly checkpoint: SignedCheckpoint | undefined;
  readonly lines: LineCounts | undefined;
  /** Leaves whose lines should have been there. */
  readonly lineRange: LineRange | undefined;
  /** Why lines were not checked. */
  readonly linesUnchecked: string | undefined;
  /** Whether later duplicates were not looked for, for want of memory. */
  readonly isDuplicateTableFull: boolean;
  /** Older checkpoints that the log is consistent with. */
  readonly consistentWith: readonly { readonly name: string; readonly size: number }[];
}

export const CHECKPOINT = "log/checkpoint";
/** C2SP signed-note lets a verifier limit notes; this is far above what 100 signatures take. */
export const MAX_CHECKPOINT_BYTES = 1024 * 1024;
const MAX_FINDINGS = 200;

/** @throws UndecidedError where something cannot be read, so that nothing is proven */
export async function verifyLog(options: VerifyOptions): Promise<Verdict> {
  const { source, keys, witnessesRequired, known } = options;
  const findings: Finding[] = [];
  let findingCount = 0;
  const report = (finding: Finding, place?: "first"): void => {
    findingCount++;
    if (place === "first") findings.unshift(finding);
    else if (findings.length < MAX_FINDINGS) findings.push(finding);
  };
  const refuse = (finding: Finding): Verdict => ({ ...NOTHING, findings: [finding], findingCount: 1 });

  const bytes = await source.read(CHECKPOINT, MAX_CHECKPOINT_BYTES);
  if (bytes === undefined) {
    return refuse({
      kind: "checkpoint",
      object: CHECKPOINT,
      meaning: "there is no checkpoint: nothing was sealed, or it was taken away",
    });
  }
  const checked = checkCheckpoint(bytes, keys, CHECKPOINT);
  if (checked.kind === "refused") return refuse(checked.finding);
  const { checkpoint } = checked;
  const unwitnessed = witnessFinding(checkpoint, { keys, required: witnessesRequired, object: CHECKPOINT });
  if (unwitnessed !== undefined) report(unwitnessed);
  const older = checkKnown(checkpoint, { known, keys, report });

  const result = await checkTree(options, { checkpoint, older, report }).catch((error: unknown) => {
    if (!(error instanceof AbandonedWalkError)) throw error;
    report(
      { kind: "root", object: CHECKPOINT, leaves: [0, checkpoint.size], meaning: error.message },
      "first",
    );
    return { ...NOTHING, linesUnchecked: "too much of the tree is missing" };
  });
  findings.sort((a, b) => rank(a) - rank(b) || placeOf(a) - placeOf(b));
  return { ...result, isVerified: findingCount === 0, findings, findingCount, checkpoint };
}

const NOTHING = {
  isVerified: false,
  checkpoint: undefined,
  lines: undefined,
  lineRange: undefined,
  linesUnchecked: undefined,
  isDuplicateTableFull: false,
  consistentWith: [],
};

interface Older {
  readonly name: string;
  readonly checkpoint: SignedCheckpoint;
}

/** Checkpoints that the log must have grown from; those it has shrunk from are reported. */
function checkKnown(
  { origin, size }: SignedCheckpoint,
  {
    known,
    keys,
    report,
  }: Pick<VerifyOptions, "known" | "keys"> & { readonly report: (finding: Finding) => void },
): readonly Older[] {
  return known.flatMap(({ name, note }) => {
    const checked = checkCheckpoint(note, keys, name);
    if (checked.kind === "refused") {
      report(checked.finding);
      return [];
    }
    const { checkpoint } = checked;
    if (checkpoint.origin !== origin) {
      report({ kind: "checkpoint", object: name, meaning: `it is of another log, ${checkpoint.origin}` });
      return [];
    }
    if (checkpoint.size <= size) return [{ name, checkpoint }];
    report({
      kind: "rollback",
      object: CHECKPOINT,
      leaves: [size, checkpoint.size],
      expected: `at least ${checkpoint.size} leaves, as ${name} says`,
      found: `${size} leaves`,
      meaning: `the log was rolled back: it was signed with ${checkpoint.size} leaves before, and has ${size} now`,
    });
    return [];
  });
}

interface TreeTask {
  readonly checkpoint: SignedCheckpoint;
  readonly older: readonly Older[];
  readonly report: (finding: Finding) => void;
}

type TreeResult = Omit<Verdict, "isVerified" | "findings" | "findingCount" | "checkpoint">;

async function checkTree(
  options: VerifyOptions,
  { checkpoint, older, report }: TreeTask,
): Promise<TreeResult> {
  const { source, onProgress, stem } = options;
  const { size, root } = checkpoint;
  const duplicates = createLateDuplicates(size);
  const lineFiles = await findLineFiles(source, stem);
  const lines = lineFiles.unchecked === undefined ? openLines() : undefined;
  for (const finding of strayLines(lineFiles, size)) report(finding);

  function openLines(): LineCheck {
    const { files, range } = lineFiles;
    const end = Math.min(size, range.end ?? size);
    return createLineCheck({
      reader: createLineReader({ files, first: range.first, end, report }),
      range: { first: range.first, end },
      size,
      readQuarantined: createQuarantineReader(source),
      duplicates,
      report,
    });
  }

  const tiles = createTileReader({ source, size, report });
  const oldSizes = older.map((old) => old.checkpoint.size);
  const walk = await walkAndClose();
  const quiet = createTileReader({ source, size, report: () => undefined });
  const lineMismatches = lines?.mismatches;
  const { spans, soundLines } = await judgeTree({ size, root, walk, tiles: quiet, lineMismatches, report });
  await reportLines();
  await reportManifests(lineFiles);
  const consistentWith = older.flatMap((old) => {
    const then = walk.tree.roots.get(old.checkpoint.size);
    if (then?.equals(old.checkpoint.root) === true) return [{ name: old.name, size: old.checkpoint.size }];
    report(forkFinding(old, then));
    return [];
  });

  async function walkAndClose(): Promise<Walk> {
    try {
      return await walkLog({ source, size, tiles, lines, oldSizes, report, onProgress });
    } finally {
      await lines?.close();
    }
  }

  async function reportLines(): Promise<void> {
    const isTrusted = ({ leaf }: { readonly leaf: number }): boolean =>
      !spans.some(([first, end]) => leaf >= first && leaf < end);
    const own = lines?.mismatches.filter(isTrusted) ?? [];
    for (const finding of await explainLines(own, { tiles: quiet, size })) report(finding);
    // Where entries are not to be trusted either, the lines are named after them.
    const rest =
      lines?.mismatches.filter((mismatch) => !isTrusted(mismatch) && !soundLines.has(mismatch.leaf)) ?? [];
    for (const mismatch of rest)
      report(lineFinding(mismatch, undefined, `the line of leaf ${mismatch.leaf} does not fit its entry`));
  }

  async function reportManifests({ files }: LineFiles): Promise<void> {
    if (source.list === undefined || files[0]?.name.startsWith(SEGMENTS) !== true) return;
    for (const finding of await checkManifests(source, { files, size })) report(finding);
  }

  return {
    lines: lines?.counts(),
    lineRange:
      lines === undefined
        ? undefined
        : { first: lineFiles.range.first, end: Math.min(size, lineFiles.range.end ?? size) },
    linesUnchecked: lineFiles.unchecked,
    isDuplicateTableFull: duplicates.isFull(),
    consistentWith,
  };
}

/** Files of a bundle that lie behind its range: nothing holds their lines against anything. */
function strayLines({ files, range }: LineFiles, size: number): readonly Finding[] {
  const { first, end } = range;
  if (end === undefined) return [];
  if (first >= size) throw new UndecidedError(`${BUNDLE_RANGE} says lines from leaf ${first} on, of ${size}`);
  return files.flatMap(({ name, firstLeaf = 0, count = 0 }): readonly Finding[] => {
    if (firstLeaf < end || count === 0) return [];
    const meaning = `its lines are outside of the range that ${BUNDLE_RANGE} says, and were not checked`;
    return [{ kind: "lines-overlap", object: name, leaves: [firstLeaf, firstLeaf + count], meaning }];
  });
}

function forkFinding({ name, checkpoint }: Older, found: Buffer | undefined): Finding {
  const { size, root } = checkpoint;
  return {
    kind: "fork",
    object: CHECKPOINT,
    leaves: [0, size],
    expected: `${hex(root)} at size ${size}, as ${name} says`,
    found: found === undefined ? undefined : hex(found),
    meaning: `the log was rewritten: its first ${size} leaves are not those that were signed before. Both checkpoints are signed, which proves it`,
  };
}

const RANKS: readonly (readonly Finding["kind"][])[] = [
  ["checkpoint", "signature"],
  ["rollback", "fork"],
  ["witness"],
  ["root", "entries", "tile", "bundle"],
];

function rank({ kind }: Finding): number {
  const at = RANKS.findIndex((kinds) => kinds.includes(kind));
  return at === -1 ? RANKS.length : at;
}

function placeOf({ leaf, leaves }: Finding): number {
  return leaf ?? leaves?.[0] ?? 0;
}
