/**
 * Sends the events of files to the log, in batches, a few under way at once. An event counts only when the log says
 * what became of it. Sending the same file again is safe: what is stored already is recognised by its id and content.
 */
import { findAlike } from "#cli/derived-ids.ts";
import type { FoundFiles, ImportFile } from "#cli/import-files.ts";
import type { ImportItem } from "#cli/import-items.ts";
import { NoSuchLogError, readItems } from "#cli/import-items.ts";
import type { FileTally, ImportReport, Refusal } from "#cli/import-report.ts";
import { MAX_LISTED_REFUSALS, newTally, totalOf } from "#cli/import-report.ts";
import type { ProgressState } from "#cli/progress.ts";
import type { BatchEntry } from "#client/audit-service.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import type { FieldError } from "#lib/errors.ts";

/** What the log says about a batch. */
export interface Verdict {
  /** Entries of the events that were rejected. */
  readonly rejected: readonly BatchEntry[];
  /** Accepted events that had been stored before; undefined where that is not known. */
  readonly duplicates: number | undefined;
}

export interface ImporterOptions {
  readonly report: ImportReport;
  readonly deliver: (items: readonly ImportItem[]) => Promise<Verdict>;
  /** Told each refusal as it comes. */
  readonly onRefusal: (refusal: Refusal) => Promise<void>;
  readonly onProgress: (state: ProgressState) => Promise<void>;
  /** Once aborted nothing more is read; what is under way is finished. */
  readonly stop: AbortSignal;
}

interface Batch {
  readonly tally: FileTally;
  readonly items: readonly ImportItem[];
}

const MAX_UNDER_WAY = 4;
/** Leaves room under the body limit of a request for what JSON of an event may grow by. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** Resolves when all is sent or the import was stopped. Fails, after what is under way, as `deliver` does. */
export async function importFiles({ files, skipped }: FoundFiles, options: ImporterOptions): Promise<void> {
  const { report, stop } = options;
  report.skipped.push(...skipped);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const pool = createPool((batch) => settle(batch, options));
  let readBytes = 0;
  const onBytes = (bytes: number): void => {
    readBytes += bytes;
  };
  const isMetTwice = createMemory(report.format === "jsonl" ? await findAlike(files) : new Set());
  try {
    for (const file of files) {
      if (stop.aborted || pool.hasFailed()) break;
      for await (const batch of batchesOf(file, options, { onBytes, isMetTwice })) {
        await pool.add(batch);
        const { accepted, metTwice, refused } = totalOf(report);
        await options.onProgress({
          readBytes,
          totalBytes,
          refused,
          events: accepted + metTwice + refused,
        });
        if (pool.hasFailed()) break;
      }
    }
  } finally {
    await pool.drain();
  }
}

/**
 * Remembers the ids that were given to lines of files which are alike, and only of those: it is memory for each line.
 * @returns whether the item was met before, in this run
 */
function createMemory(alike: ReadonlySet<string>): (path: string, item: ImportItem) => boolean {
  const met = new Set<string>();
  return (path, { derivedId: id }) => {
    if (id === undefined || !alike.has(path)) return false;
    const isMetTwice = met.has(id);
    met.add(id);
    return isMetTwice;
  };
}

interface Pool {
  /** Resolves when there is room for another. */
  readonly add: (batch: Batch) => Promise<void>;
  readonly hasFailed: () => boolean;
  /** Waits for all; fails with the first failure. */
  readonly drain: () => Promise<void>;
}

function createPool(work: (batch: Batch) => Promise<void>): Pool {
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const run = async (batch: Batch): Promise<void> => {
    try {
      await work(batch);
    } catch (error) {
      failures.push(error);
    }
  };
  return {
    add: async (batch) => {
      const running = run(batch).finally(() => underWay.delete(running));
      underWay.add(running);
      if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
    },
    hasFailed: () => failures.length > 0,
    drain: async () => {
      await Promise.all(underWay);
      if (failures.length > 0) throw failures[0];
    },
  };
}

interface Course {
  readonly onBytes: (bytes: number) => void;
  readonly isMetTwice: (path: string, item: ImportItem) => boolean;
}

/** The batches of one file; what cannot be read is written into the report. */
async function* batchesOf(
  file: ImportFile,
  options: ImporterOptions,
  { onBytes, isMetTwice }: Course,
): AsyncGenerator<Batch> {
  const { report, stop } = options;
  const tally = newTally(file);
  report.files.push(tally);
  let items: ImportItem[] = [];
  let bytes = 0;
  try {
    for await (const part of readItems(file, { format: report.format, onBytes })) {
      for (const item of part) {
        if (items.length === MAX_BATCH_EVENTS || (bytes + item.bytes > MAX_BATCH_BYTES && items.length > 0)) {
          yield { tally, items };
          items = [];
          bytes = 0;
        }
        if (stop.aborted) return;
        if (isMetTwice(file.path, item)) {
          tally.metTwice++;
          continue;
        }
        items.push(item);
        bytes += item.bytes;
      }
    }
  } catch (error) {
    if (error instanceof NoSuchLogError && items.length === 0) {
      report.files.splice(report.files.indexOf(tally), 1);
      report.skipped.push({ path: file.path, reason: error.message });
      return;
    }
    tally.failure = `not read to its end: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (items.length > 0) yield { tally, items };
}

async function settle({ tally, items }: Batch, options: ImporterOptions): Promise<void> {
  const { report, deliver, onRefusal } = options;
  const sendable = items.filter(({ errors }) => errors.length === 0);
  const verdict = sendable.length === 0 ? { rejected: [], duplicates: 0 } : await deliver(sendable);
  if (verdict.duplicates === undefined) report.knowsDuplicates = false;
  tally.accepted += sendable.length - verdict.rejected.length;
  tally.alreadyStored += verdict.duplicates ?? 0;
  for (const { notes } of items) {
    for (const note of notes) report.notes.set(note, (report.notes.get(note) ?? 0) + 1);
  }
  const refuse = async (
    item: ImportItem,
    eventId: string | undefined,
    errors: readonly FieldError[],
  ): Promise<void> => {
    tally.refused++;
    const refusal = { path: tally.path, place: item.place, eventId, errors };
    if (report.refusals.length < MAX_LISTED_REFUSALS) report.refusals.push(refusal);
    await onRefusal(refusal);
  };
  for (const item of items) if (item.errors.length > 0) await refuse(item, undefined, item.errors);
  for (const { index, event_id, code, errors = [] } of verdict.rejected) {
    const item = sendable[index];
    if (item === undefined) continue;
    if (code === "event-id-conflict") tally.conflicts++;
    await refuse(item, event_id, errors);
  }
}
