/**
 * Lines of the file log that have no leaf yet: a line's leaf has the number of the line, and the log's own files are its
 * segments, so that sealing publishes nothing but hashes and signatures.
 */
import { LineCursor } from "#adapters/file/line-cursor.ts";
import type { UncertainLines } from "#adapters/file/line-numbers.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import type { LogTail } from "#adapters/file/log-tail.ts";
import type { FileLogStore } from "#adapters/file/file-log-store.ts";
import { growthOf } from "#adapters/file/kept-staging.ts";
import { findMoved } from "#adapters/file/moved-lines.ts";
import { removePartials } from "#adapters/file/tidy-sealed.ts";
import { isStoredLine, receivedAtMs } from "#event/stored-line.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import { logDiverged } from "#service/log-diverged.ts";
import type { LogLedger, SealInput, SealProblem, SealSource } from "#service/log-ports.ts";
import { hashInto } from "#service/native-hash.ts";

export interface FileSealSourceOptions {
  readonly paths: LogPaths;
  readonly tail: LogTail;
  readonly store: FileLogStore;
  readonly ledger: LogLedger;
  /** Numbers that reading the log at start could not tell. */
  readonly uncertain: readonly UncertainLines[];
  /** Leaves of one seal at most. @default 65,536, which are 256 full tiles */
  readonly maxLines?: number | undefined;
}

export interface FileSealSource extends SealSource {
  /** Lets go of the file that is open. */
  readonly close: () => void;
}

const ENTRY_BYTES = 32;
const DEFAULT_MAX_LINES = 65_536;
/** Bytes of the lines of one seal, unless one line alone is longer. */
const MAX_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_S = 1;
const NOTHING = { entries: new Uint8Array(), objects: [], batches: [], oldestMs: undefined } as const;

export function createFileSealSource(options: FileSealSourceOptions): FileSealSource {
  const { tail, store, ledger, uncertain, maxLines = DEFAULT_MAX_LINES } = options;
  const cursor = new LineCursor(options);
  /** Size behind which lines have been read before, or were found to stand where they were sealed. */
  let known = 0;
  /** What is told again and again, because it does not keep anything from being sealed. */
  let problems: readonly SealProblem[] = [];

  const next = async (size: number): Promise<SealInput | undefined> => {
    const durableLines = tail.durableLines;
    if (size > durableLines) throw cut(size, durableLines);
    if (size !== known) {
      const moved = await findMoved({ store, cursor }, size);
      problems = moved === undefined ? [] : [moved];
    }
    known = size;
    if (size === durableLines) return problems.length === 0 ? undefined : { ...NOTHING, problems };
    const doubtful = uncertain.find(({ to }) => to > size);
    if (doubtful !== undefined && doubtful.from <= size) throw doubt(doubtful);
    const end = Math.min(durableLines, size + maxLines, doubtful?.from ?? durableLines);
    const entries = Buffer.alloc((end - size) * ENTRY_BYTES);
    let oldestMs: number | undefined;
    let count = 0;
    let bytes = 0;
    await cursor.visit(size, end, (line) => {
      oldestMs ??= acceptedMs(line);
      hashInto(line, entries, count * ENTRY_BYTES);
      count++;
      bytes += line.length;
      return bytes < MAX_BYTES;
    });
    known = size + count;
    return {
      entries: entries.subarray(0, count * ENTRY_BYTES),
      objects: [],
      batches: [],
      oldestMs,
      problems,
    };
  };

  return {
    next: async (size) => {
      try {
        return await next(size);
      } catch (cause) {
        if (cause instanceof AuditServiceError) throw cause;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new AuditStorageError("storage-unavailable", `the log cannot be read: ${reason}`, {
          cause,
          retryable: true,
          retryAfterS: RETRY_AFTER_S,
        });
      }
    },
    settle: async () => undefined,
    tidy: async () => {
      const head = await ledger.readHead();
      const growth = head?.staging === undefined ? undefined : growthOf(head.staging);
      if (growth !== undefined) await removePartials(store, growth);
    },
    close: () => cursor.close(),
  };
}

/** undefined for a line that cannot be served: it is sealed as the bytes it has. */
function acceptedMs(line: Buffer): number | undefined {
  const text = line.toString("utf8");
  const ms = isStoredLine(text) ? receivedAtMs(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function cut(size: number, lines: number): AuditStorageError {
  const message = `the log holds ${lines} lines, but ${size} leaves are sealed: lines ${lines} to ${size - 1} are missing at its end`;
  return logDiverged(message, { details: { lines, size }, runbook: "lost-lines" });
}

function doubt({ from, to, reason }: UncertainLines): AuditStorageError {
  const message = `lines ${from} to ${to - 1} are missing or damaged: ${reason}; run auditlog repair, or bring back the file`;
  return logDiverged(message, { details: { from, to } });
}
