/** What `auditlog repair` has found and done, as text for people and as JSON for machines. */
import { formatCount, printableLines } from "#cli/terminal-text.ts";

export interface RepairRequest {
  /** Live file of the log; undefined: as the configuration says. */
  readonly file: string | undefined;
  /** Find what is damaged and change nothing. */
  readonly isDryRun: boolean;
}

interface DamagedPlace {
  readonly path: string;
  /** Byte in the uncompressed file. */
  readonly offset: number;
  readonly reason: string;
}

interface MovedPlace extends DamagedPlace {
  /** Number of its first line in the log, from 0. */
  readonly line: number;
  /** Line numbers that it takes. */
  readonly lines: number;
  readonly bytes: number;
  /** File that holds the bytes now; undefined in a dry run. */
  readonly movedTo: string | undefined;
}

export interface RepairReport {
  readonly places: readonly MovedPlace[];
  /** What cannot be repaired. */
  readonly unrepaired: readonly DamagedPlace[];
  /** Where a last line was moved to that a crash had cut. */
  readonly tornPath: string | undefined;
  /** Line numbers of damaged places that the log has sealed. */
  readonly sealedLines: number;
  /** Whether the log is sound now. */
  readonly isSound: boolean;
}

export function repairJson(
  { places, unrepaired, tornPath, sealedLines, isSound }: RepairReport,
  isDryRun: boolean,
): string {
  return JSON.stringify({
    dry_run: isDryRun,
    sound: isSound,
    places: places.map(({ path, offset, line, lines, bytes, reason, movedTo = null }) => ({
      path,
      byte: offset,
      line,
      lines,
      bytes,
      reason,
      moved_to: movedTo,
    })),
    unrepaired: unrepaired.map(({ path, offset, reason }) => ({ path, byte: offset, reason })),
    torn_line_moved_to: tornPath ?? null,
    sealed_lines: sealedLines,
  });
}

export function repairText(report: RepairReport, isDryRun: boolean): string {
  const texts: string[] = [];
  for (const place of report.places) {
    const { line, lines, bytes, movedTo } = place;
    const last = lines > 1 ? ` to ${line + lines - 1}` : "";
    texts.push(`${where(place)}, line ${line}${last}: ${place.reason} (${formatCount(bytes)} bytes)`);
    if (movedTo !== undefined) texts.push(`  moved to ${movedTo}`);
  }
  for (const place of report.unrepaired)
    texts.push(`${where(place)}: ${place.reason}`, "  cannot be repaired");
  if (report.tornPath !== undefined)
    texts.push(`a last line that a crash had cut\n  moved to ${report.tornPath}`);
  if (report.sealedLines > 0) texts.push(sealedNote(report.sealedLines));
  texts.push(verdict(report, isDryRun));
  return texts.map((text) => `${printableLines(text)}\n`).join("");
}

/** The log is readable again then, and still does not hold what it has signed. */
function sealedNote(lines: number): string {
  return lines === 1
    ? "1 damaged line was sealed: verify names it unless its bytes are those that were sealed."
    : `${formatCount(lines)} damaged lines were sealed: verify names those whose bytes are not those that were sealed.`;
}

function where({ path, offset }: DamagedPlace): string {
  return `${path}, byte ${offset}`;
}

function verdict({ places, unrepaired, isSound }: RepairReport, isDryRun: boolean): string {
  if (isSound)
    return places.length === 0 ? "The log is sound." : "The log is sound again; nothing was deleted.";
  const left = unrepaired.length === 0 ? "" : `; ${count(unrepaired.length)} cannot be repaired`;
  return isDryRun
    ? `Nothing was changed: ${count(places.length)} would be moved${left}.`
    : `The log is not sound: ${count(places.length)} moved${left}.`;
}

function count(places: number): string {
  return places === 1 ? "1 place" : `${formatCount(places)} places`;
}
