/**
 * The file store, embedded default of the service: one JSON Lines file is queue, store and log order at once. `send`
 * checks against the index, appends, fsyncs by group commit, and only then answers. Implements both ports.
 */
import { resolve } from "node:path";
import type { CommitBatch } from "#adapters/file/commit-batch.ts";
import type { Compressor } from "#adapters/file/compressor.ts";
import { createCompressor } from "#adapters/file/compressor.ts";
import { DamageNotes } from "#adapters/file/damage-notes.ts";
import type { FileIo } from "#adapters/file/file-io.ts";
import { nodeFileIo, syncFile } from "#adapters/file/file-io.ts";
import type { FolderLock } from "#adapters/file/folder-lock.ts";
import { lockFolder } from "#adapters/file/folder-lock.ts";
import { parseStoredLine } from "#adapters/file/indexed-line.ts";
import type { KnownLine } from "#adapters/file/known-lines.ts";
import { compareKnown } from "#adapters/file/known-lines.ts";
import type { IndexEntry } from "#adapters/file/line-index.ts";
import { LiveLog } from "#adapters/file/live-log.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { logPaths, makeFolder } from "#adapters/file/log-folder.ts";
import type { RecoveryProgress } from "#adapters/file/log-survey.ts";
import { LogTail } from "#adapters/file/log-tail.ts";
import type { PageReader } from "#adapters/file/page-reader.ts";
import { createPageReader } from "#adapters/file/page-reader.ts";
import { PendingLines } from "#adapters/file/pending-lines.ts";
import { ReadTurns } from "#adapters/file/read-turns.ts";
import type { Recovered } from "#adapters/file/recovery.ts";
import { recoverLog } from "#adapters/file/recovery.ts";
import { probeStore } from "#adapters/file/store-health.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import type { QueryPlan } from "#query/plan.ts";
import type {
  EventKey,
  EventQueue,
  EventStore,
  FoundLine,
  LineCount,
  LinePage,
  SendOutcome,
  StoreHealth,
} from "#service/ports.ts";

export interface FileStoreOptions {
  /** The live file; its folder is created where it is missing. */
  readonly path: string;
  /** Rotate the live file once it has so many bytes. @default 100 MiB */
  readonly maxFileBytes?: number;
  /** Rotated files kept uncompressed; older ones are compressed, none is deleted. @default 5 */
  readonly backupCount?: number;
  /** Called while the index is rebuilt. */
  readonly onProgress?: (progress: RecoveryProgress) => void;
  /** @default the file system */
  readonly io?: FileIo;
}

const DEFAULT_MAX_FILE_BYTES = 100 * 1024 * 1024;
/** Offsets are kept in 32 bits; a commit may pass the rotation size by what may wait for the disk. */
const MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024;
const DEFAULT_BACKUP_COUNT = 5;

const ACCEPTED: SendOutcome = { kind: "accepted" };
const CONFLICT: SendOutcome = { kind: "conflict" };

/**
 * @throws AuditStorageError `folder-locked`, `foreign-log`, or `storage-unavailable` where the folder cannot be used
 */
export async function openFileStore(options: FileStoreOptions): Promise<FileStore> {
  const paths = logPaths(resolve(options.path));
  let lock: FolderLock | undefined;
  try {
    makeFolder(paths.folder);
    lock = lockFolder(paths);
    const recovered = await recoverLog(paths, options.onProgress ?? (() => undefined));
    await syncFile(paths.live, options.io ?? nodeFileIo); // a killed process may have left lines in the page cache alone
    return new FileStore({ ...options, paths, lock, recovered });
  } catch (cause) {
    lock?.release();
    if (cause instanceof AuditServiceError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuditStorageError(
      "storage-unavailable",
      `the folder ${paths.folder} cannot be used: ${reason}`,
      { cause },
    );
  }
}

interface OpenedFolder extends FileStoreOptions {
  readonly paths: LogPaths;
  readonly lock: FolderLock;
  readonly recovered: Recovered;
}

export class FileStore implements EventQueue, EventStore {
  /** What those need who seal the log while it is open. */
  readonly paths: LogPaths;
  readonly recovered: Recovered;
  readonly tail = new LogTail();
  readonly damages: DamageNotes;
  /** For whoever else reads lines in this process. */
  readonly turns = new ReadTurns();
  private readonly lock: FolderLock;
  private readonly live: LiveLog;
  private readonly reader: PageReader;
  private readonly compressor: Compressor;
  private readonly pending = new PendingLines();
  private compressionTrouble: string | undefined;
  private closing: Promise<void> | undefined;

  /** Use `openFileStore`. */
  constructor({ paths, lock, recovered, ...options }: OpenedFolder) {
    this.paths = paths;
    this.lock = lock;
    this.recovered = recovered;
    this.damages = new DamageNotes(recovered);
    const { index, logs, live, nextLine } = recovered;
    this.tail.begin(nextLine, live.firstLine);
    this.reader = createPageReader({
      index,
      logs,
      turns: this.turns,
      onDamage: (row) => this.damages.note(row),
    });
    this.compressor = createCompressor({
      paths,
      backupCount: options.backupCount ?? DEFAULT_BACKUP_COUNT,
      files: logs.files,
      onTrouble: (message) => {
        this.compressionTrouble = message;
      },
    });
    this.live = new LiveLog({
      paths,
      io: options.io ?? nodeFileIo,
      tail: this.tail,
      file: live,
      maxFileBytes: Math.min(options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES, MAX_FILE_BYTES),
      onCommitted: (batch, offset) => this.indexBatch(batch, offset),
      onFailed: (batch) => this.pending.removeBatch(batch),
      onRotated: (next) => {
        logs.files.push(next);
        this.compressor.wake();
      },
      nextLine: () => ({ row: index.rows, line: this.tail.durableLines }),
    });
    this.compressor.wake();
  }

  /** Tells people and the command line which process owns the folder, and where its server listens. */
  announce(url: string): void {
    this.lock.announce(url);
  }

  async send(lines: readonly PreparedLine[]): Promise<readonly SendOutcome[]> {
    this.live.assertWritable();
    return this.settle(this.take(lines)); // nothing of the events is held while the disk is waited for
  }

  async get({ tenantId, eventId }: EventKey): Promise<FoundLine | undefined> {
    const row = this.recovered.index.find(tenantId, eventId);
    return row === -1 ? undefined : { text: this.readRow(row) };
  }

  async page(plan: QueryPlan): Promise<LinePage> {
    return this.reader.page(plan);
  }

  async count(plan: QueryPlan, maxMatches: number): Promise<LineCount> {
    return this.reader.count(plan, maxMatches);
  }

  async flush(): Promise<void> {
    await this.live.settle();
  }

  async probe(): Promise<StoreHealth> {
    const { recovered, paths, live, damages, tail } = this;
    return probeStore({
      recovered,
      paths,
      live,
      damages: damages.places,
      nextLine: tail.durableLines,
      rottenLines: damages.rows,
      compressionTrouble: this.compressionTrouble,
    });
  }

  /** Finishes what was taken, then gives the folder up. Sends that come later are refused with `closed`. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async shutDown(): Promise<void> {
    try {
      await this.live.close(new AuditStorageError("closed", "the store is closed"));
      await this.compressor.stop();
      this.recovered.logs.close();
    } finally {
      this.lock.release();
    }
  }

  /** Puts what is new into the next commit, and tells what becomes of each line once the commits are durable. */
  private take(lines: readonly PreparedLine[]): Taken {
    const { index } = this.recovered;
    const outcomes: SendOutcome[] = [];
    const batches = new Set<CommitBatch>();
    const known: TakenKnown[] = [];
    lines.forEach((line, place) => {
      const entry = index.entryOf(line.event, line.instant);
      const key = { tenantId: line.event.tenant_id, eventId: line.event.event_id };
      const waiting = this.pending.find(entry);
      if (waiting !== undefined) {
        const isSame = waiting.batch.contentHashes[waiting.place] === line.contentHash;
        batches.add(waiting.batch);
        outcomes.push(isSame ? this.duplicateOf(key) : CONFLICT);
        return;
      }
      const row = index.rowOf(entry);
      outcomes.push(ACCEPTED);
      if (row === -1) batches.add(this.append(line, entry));
      else known.push({ place, row, key, contentHash: line.contentHash });
    });
    return { outcomes, batches, known };
  }

  private async settle({ outcomes, batches, known }: Taken): Promise<readonly SendOutcome[]> {
    const verdicts = await compareKnown(known, { logs: this.recovered.logs, turns: this.turns });
    known.forEach(({ place, row, key }, index) => {
      const verdict = verdicts[index];
      if (verdict === "unreadable") this.damages.note(row);
      outcomes[place] = verdict === "same" ? this.duplicateOf(key) : CONFLICT;
    });
    for (const batch of batches) await batch.done;
    return outcomes;
  }

  private duplicateOf({ tenantId, eventId }: EventKey): SendOutcome {
    return {
      kind: "duplicate",
      readLine: async () => this.readRow(this.recovered.index.find(tenantId, eventId)),
    };
  }

  private readRow(row: number): string {
    const { index, logs } = this.recovered;
    const text = logs.read([row]).get(row);
    if (text !== undefined && parseStoredLine(text) !== undefined) return text;
    this.damages.note(row);
    const where = `${logs.fileOf(row).path}, byte ${index.offsetOf(row)}`;
    throw new AuditStorageError("storage-unavailable", `the stored line cannot be read: ${where}`);
  }

  private append(line: PreparedLine, entry: IndexEntry): CommitBatch {
    const batch = this.live.append(line, entry);
    this.pending.add(entry, batch, batch.entries.length - 1);
    return batch;
  }

  private indexBatch(batch: CommitBatch, offset: number): void {
    batch.entries.forEach((entry, place) => {
      this.recovered.index.add(entry, offset + (batch.starts[place] ?? 0));
    });
    this.tail.commit(this.tail.durableLines + batch.entries.length);
    this.pending.removeBatch(batch);
  }
}

interface TakenKnown extends KnownLine {
  readonly key: EventKey;
}

/** Outcomes that hold once all of the batches are durable; those of known lines are still to be found. */
interface Taken {
  readonly outcomes: SendOutcome[];
  readonly batches: ReadonlySet<CommitBatch>;
  readonly known: readonly TakenKnown[];
}
