/**
 * Makes of what a survey finds the stretches that repair moves: neighbours become one, so that a ruined block is one
 * file and not thousands, and each is given the line numbers that are missing in its file, as the next file's name tells.
 */
import type { Damage, Finding } from "#adapters/file/damage.ts";

/** Damaged bytes that lie side by side. */
export interface Stretch {
  readonly path: string;
  /** A duplicate holds whole lines whose events are stored elsewhere; a member is raw bytes of a compressed file. */
  readonly kind: "line" | "duplicate" | "member";
  /** Byte in the uncompressed file. */
  readonly offset: number;
  /** Where the bytes begin: for a member in the compressed file, otherwise `offset`. */
  readonly from: number;
  readonly line: number;
  readonly bytes: number;
  /** Line numbers that it takes; 0 where it was never a line. */
  readonly lines: number;
  readonly reason: string;
}

export interface Diagnosis {
  readonly stretches: readonly Stretch[];
  /** Uncompressed files that hold less than their compressed form. */
  readonly twins: readonly Extract<Finding, { kind: "twin" }>[];
  /** What cannot be repaired: line numbers that nothing which is there explains, and what depends on them. */
  readonly unrepairable: readonly Damage[];
}

export interface Diagnostician {
  readonly onFinding: (finding: Finding) => void;
  readonly diagnosis: () => Diagnosis;
}

interface Growing {
  readonly first: Extract<Finding, { line: number }>;
  readonly kind: Stretch["kind"];
  line: number;
  bytes: number;
  room: number;
  lines: number;
  places: number;
}

/** No stored line is shorter: its fixed members alone take more. So lost lines are told from a lost file. */
const MIN_LINE_BYTES = 240;

export function createDiagnostician(): Diagnostician {
  const stretches: Growing[] = [];
  const twins: Extract<Finding, { kind: "twin" }>[] = [];
  const gaps: Extract<Finding, { kind: "gap" }>[] = [];
  const lost: Damage[] = [];
  const onFinding = (finding: Finding): void => {
    if (finding.kind === "twin") twins.push(finding);
    else if (finding.kind === "lost") lost.push(finding);
    else if (finding.kind !== "gap") addTo(stretches, finding);
    else if (
      !explain(
        stretches.filter(({ first }) => first.path === finding.after),
        finding.missing,
      )
    )
      gaps.push(finding);
  };
  const diagnosis = (): Diagnosis => {
    const finished = stretches.map(finish);
    // Files overlap, as when a copy lies beside one: which of two lines may go, their order does not tell.
    const isDoubtful = ({ kind }: Stretch): boolean =>
      kind === "duplicate" && gaps.some(({ missing }) => missing < 0);
    return {
      stretches: finished.filter((stretch) => !isDoubtful(stretch)),
      twins,
      unrepairable: [...gaps, ...lost, ...finished.filter(isDoubtful)],
    };
  };
  return { onFinding, diagnosis };
}

function addTo(stretches: Growing[], finding: Growing["first"]): void {
  const kind = finding.kind === "fragment" ? "line" : finding.kind;
  const last = stretches.at(-1);
  if (
    last?.kind === kind &&
    last.first.path === finding.path &&
    last.first.from + last.bytes === finding.from
  ) {
    last.bytes += finding.bytes;
    last.room += finding.room;
    last.lines++;
    last.places++;
    return;
  }
  const { line, bytes, room } = finding;
  stretches.push({ first: finding, kind, line, bytes, room, lines: 1, places: 1 });
}

/** Gives the stretches of a file the lines that are missing behind it, or takes what is too many; all or none. */
function explain(stretches: readonly Growing[], missing: number): boolean {
  const able = stretches.filter(({ kind }) => kind !== "duplicate"); // whole lines, which are counted already
  if (!(missing > 0 ? spread(able, missing) : withdraw(able, -missing))) return false;
  let shift = 0;
  for (const stretch of stretches) {
    stretch.line += shift;
    shift += stretch.lines - stretch.places;
  }
  return true;
}

/** Where several stretches have room, each gets its share: which line stood in which, nobody can tell any more. */
function spread(stretches: readonly Growing[], missing: number): boolean {
  const rooms = stretches.map(({ room, lines }) => Math.max(0, Math.floor(room / MIN_LINE_BYTES) - lines));
  const total = rooms.reduce((sum, room) => sum + room, 0);
  if (missing > total) return false;
  let seen = 0;
  let given = 0;
  stretches.forEach((stretch, at) => {
    seen += rooms[at] ?? 0;
    const share = Math.round((missing * seen) / total) - given;
    stretch.lines += share;
    given += share;
  });
  return true;
}

/** Garbage that was never a line is rather raw bytes or what has no newline, and rather at the end. */
function withdraw(stretches: readonly Growing[], surplus: number): boolean {
  if (surplus > stretches.reduce((sum, { lines }) => sum + lines, 0)) return false;
  const isLine = ({ first }: Growing): number => (first.kind === "line" ? 1 : 0);
  let left = surplus;
  for (const stretch of stretches.toReversed().sort((a, b) => isLine(a) - isLine(b))) {
    const taken = Math.min(left, stretch.lines);
    stretch.lines -= taken;
    left -= taken;
  }
  return true;
}

function finish({ first, kind, line, bytes, lines, places }: Growing): Stretch {
  const { path, offset, from } = first;
  const reason =
    places === 1 ? first.reason : `${first.reason}; with it what lies behind it, ${places} in all`;
  return { path, kind, offset, from, line, bytes, lines, reason };
}
