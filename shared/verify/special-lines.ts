/**
 * Lines that stand for others: the marker of a repair, where bytes were moved into quarantine, and the remainder of a line
 * that was erased. Both are read from their written forms here, and both count for nothing unless hashes agree.
 */

/** What a repair has put in the place of lines. */
export interface QuarantineMarker {
  readonly kind: "marker";
  readonly bytes: number;
  /** Name of the file beside the log that holds them. */
  readonly file: string;
  /** Leaves that the marker takes. */
  readonly lines: number;
  readonly sha256: string;
}

export interface ErasedLine {
  readonly kind: "erased";
  /** Lower-case hex: the entry of the line that stood there. */
  readonly entry: string;
}

export type SpecialLine = QuarantineMarker | ErasedLine;

const MARKER =
  /^\{"_quarantined":\{"bytes":(\d{1,15}),"file":"(?!\.)([^"\\/]{1,255})","kind":"(?:damaged|duplicate)","lines":(\d{1,15}),"sha256":"([0-9a-f]{64})"\},"_v":1\}$/;
const ERASED = /^\{"_erased":"([0-9a-f]{64})","event_id":"[^"\\]*","tenant_id":"[^"\\]*"\}$/;

/** Every line begins with `{"_`; those of events go on with `d`. */
const PLACE = 3;
const MARKS: ReadonlySet<number> = new Set(["e", "q"].map((letter) => letter.charCodeAt(0)));

export function mayBeSpecial(bytes: Uint8Array, lineStart: number): boolean {
  return MARKS.has(bytes[lineStart + PLACE] ?? 0);
}

/** undefined for a line that stands for itself. */
export function readSpecialLine(line: Uint8Array): SpecialLine | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8");
  const erased = ERASED.exec(text);
  if (erased !== null) return { kind: "erased", entry: erased[1] ?? "" };
  const marker = MARKER.exec(text);
  if (marker === null) return undefined;
  const [, bytes, file = "", lines, sha256 = ""] = marker;
  return { kind: "marker", bytes: Number(bytes), file, lines: Number(lines), sha256 };
}
