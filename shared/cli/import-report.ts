/** What an import did: counts for each file and in all, what was skipped and refused, and what was changed on the way. */
import type { ImportFile, ImportFormat, SkippedFile } from "#cli/import-files.ts";
import type { ImportNote } from "#cli/import-items.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";
import { LINE_NOTES } from "#event/original.ts";
import type { FieldError } from "#lib/errors.ts";

export interface Tally {
  /** Taken by the log, whether or not it had them before. */
  accepted: number;
  /** Of these the ones that it had before, as far as it says. */
  alreadyStored: number;
  /** Lines without an id that an earlier file of this import has as well, so that it was not sent again. */
  metTwice: number;
  refused: number;
  /** Refused because other content is stored under the id. */
  conflicts: number;
}

export interface FileTally extends Tally {
  readonly path: string;
  /** Why it could not be read to its end. */
  failure: string | undefined;
}

export interface Refusal {
  readonly path: string;
  /** Line or record, from 1; 0 is the whole file. */
  readonly place: number;
  readonly eventId: string | undefined;
  readonly errors: readonly FieldError[];
}

export interface ImportReport {
  readonly format: ImportFormat;
  readonly isDryRun: boolean;
  isInterrupted: boolean;
  /** What ended the import before its time. */
  failure: string | undefined;
  readonly files: FileTally[];
  readonly skipped: SkippedFile[];
  /** The first of them; all are told as they come. */
  readonly refusals: Refusal[];
  readonly notes: Map<ImportNote, number>;
  /** Whether the service says which events it had stored before. */
  knowsDuplicates: boolean;
  durationMs: number;
}

/** As many refusals as a JSON summary lists. */
export const MAX_LISTED_REFUSALS = 1000;

const NOTES: Readonly<Record<ImportNote, string>> = {
  ...LINE_NOTES,
  "id-derived":
    "no event_id, so one was derived from the file's name and first line and the line's number and text",
};

const ACCEPTED_NOTE =
  "the service accepts events before it stores them: what was there already is stored once, and where an id has other content the event lists it as conflicts";

export function newReport(format: ImportFormat, isDryRun: boolean): ImportReport {
  return {
    format,
    isDryRun,
    isInterrupted: false,
    failure: undefined,
    files: [],
    skipped: [],
    refusals: [],
    notes: new Map(),
    knowsDuplicates: true,
    durationMs: 0,
  };
}

export function newTally({ path }: ImportFile): FileTally {
  return { path, accepted: 0, alreadyStored: 0, metTwice: 0, refused: 0, conflicts: 0, failure: undefined };
}

export function totalOf({ files }: ImportReport): Tally {
  const sum = (count: keyof Tally): number => files.reduce((total, file) => total + file[count], 0);
  return {
    accepted: sum("accepted"),
    alreadyStored: sum("alreadyStored"),
    metTwice: sum("metTwice"),
    refused: sum("refused"),
    conflicts: sum("conflicts"),
  };
}

/** Whether the log has taken everything that was read. */
export function isComplete(report: ImportReport): boolean {
  const hasFailed = report.failure !== undefined || report.files.some(({ failure }) => failure !== undefined);
  return !hasFailed && totalOf(report).refused === 0 && report.files.length > 0;
}

/** The summary for people. */
export function reportText(report: ImportReport): string {
  const lines = report.files.map(
    (file) => `${printable(file.path)}: ${countsText(file, report)}${failureText(file)}\n`,
  );
  for (const { path, reason } of report.skipped) lines.push(`${printable(path)}: skipped, ${reason}\n`);
  for (const [note, count] of report.notes) lines.push(`note: ${formatCount(count)} × ${NOTES[note]}\n`);
  if (!report.knowsDuplicates) {
    lines.push(`note: ${ACCEPTED_NOTE}\n`);
  }
  const files = `${formatCount(report.files.length)} ${report.files.length === 1 ? "file" : "files"}`;
  const seconds = (report.durationMs / 1000).toFixed(1);
  lines.push(`total of ${files}: ${countsText(totalOf(report), report)}, in ${seconds} s\n`);
  return lines.join("");
}

function countsText(
  { accepted, alreadyStored, metTwice, refused, conflicts }: Tally,
  { isDryRun, knowsDuplicates }: ImportReport,
): string {
  const counts: string[] = [];
  if (isDryRun) counts.push(`${formatCount(accepted)} would be sent`);
  else if (!knowsDuplicates) counts.push(`${formatCount(accepted)} accepted`);
  else {
    counts.push(`${formatCount(accepted - alreadyStored)} stored`);
    counts.push(`${formatCount(alreadyStored)} already stored`);
  }
  if (metTwice > 0) counts.push(`${formatCount(metTwice)} met twice in this run`);
  counts.push(`${formatCount(refused)} refused`);
  if (conflicts > 0) counts.push(`of these ${formatCount(conflicts)} in conflict with what is stored`);
  return counts.join(", ");
}

function failureText({ failure }: FileTally): string {
  return failure === undefined ? "" : ` (${printable(failure)})`;
}

/** The summary for programs, as one JSON document. What the service does not say is null. */
export function reportJson(report: ImportReport): string {
  const { knowsDuplicates } = report;
  const wire = (tally: Tally): Record<string, number | null> => {
    const { accepted, alreadyStored, metTwice: met_twice, refused, conflicts } = tally;
    return knowsDuplicates
      ? { stored: accepted - alreadyStored, already_stored: alreadyStored, met_twice, refused, conflicts }
      : { accepted, stored: null, already_stored: null, met_twice, refused, conflicts: null };
  };
  return JSON.stringify({
    format: report.format,
    dry_run: report.isDryRun,
    interrupted: report.isInterrupted,
    failure: report.failure ?? null,
    total: wire(totalOf(report)),
    files: report.files.map((file) => ({ path: file.path, ...wire(file), failure: file.failure ?? null })),
    skipped: report.skipped,
    notes: Object.fromEntries(report.notes),
    refusals: report.refusals.map(({ path, place, eventId, errors }) => ({
      path,
      [placeName(report.format)]: place,
      event_id: eventId ?? null,
      errors,
    })),
    knows_duplicates: knowsDuplicates,
    duration_ms: Math.round(report.durationMs),
  });
}

/** What the events of a file are counted by. */
export function placeName(format: ImportFormat): "line" | "record" {
  return format === "jsonl" ? "line" : "record";
}
