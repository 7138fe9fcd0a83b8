/**
 * The live file: group commit (one write and one fsync for all lines that wait) and rotation. A failed write is cut
 * away again and the file goes on; after a failed fsync nobody knows what is on the medium, so nothing more is
 * written until a restart has read it back.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, renameSync, statSync } from "node:fs";
import { CommitBatch } from "#adapters/file/commit-batch.ts";
import type { FileIo } from "#adapters/file/file-io.ts";
import { LogFile } from "#adapters/file/log-file.ts";
import type { IndexEntry } from "#adapters/file/line-index.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { syncFolder } from "#adapters/file/log-folder.ts";
import type { LogTail } from "#adapters/file/log-tail.ts";
import type { EncodedLine } from "#event/stored-line.ts";
import type { AuditServiceError } from "#lib/errors.ts";
import { AuditQueueError, AuditStorageError } from "#lib/errors.ts";

/** What may wait for the disk; beyond it senders are turned away, and memory stays bounded. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_S = 1;
/** The index keeps offsets in 32 bits. */
const MAX_FILE_SIZE = 2 ** 32 - 1;

export interface LiveLogOptions {
  readonly paths: LogPaths;
  readonly io: FileIo;
  /** Told when the live file changes its name. */
  readonly tail: LogTail;
  /** The live file as recovery found it; rotation replaces it. */
  readonly file: LogFile;
  /** Rotate once the file has so many bytes. */
  readonly maxFileBytes: number;
  /** Called with each durable batch, before its senders hear of it. `offset` is the byte at which it begins. */
  readonly onCommitted: (batch: CommitBatch, offset: number) => void;
  readonly onFailed: (batch: CommitBatch) => void;
  /** Called when the live file has got its final name and `next` has taken its place. */
  readonly onRotated: (next: LogFile) => void;
  /** Rows and lines of the log so far. */
  readonly nextLine: () => { readonly row: number; readonly line: number };
}

export class LiveLog {
  private file: LogFile;
  private fd: number;
  private filling = new CommitBatch();
  /** Buffer of a batch that is done, for the next one. */
  private spare: Buffer | undefined;
  private committing: CommitBatch | undefined;
  private running: Promise<void> | undefined;
  /** Why nothing is written any more; senders get it. */
  private refusal: AuditServiceError | undefined;
  /** What the last commit or rotation met, until one succeeds. */
  private trouble: string | undefined;
  private isBroken = false;
  private readonly options: LiveLogOptions;

  /** @throws Error as the file system reports it: the file cannot be opened for writing */
  constructor(options: LiveLogOptions) {
    this.options = options;
    this.file = options.file;
    this.fd = openLive(this.file.path);
    syncFolder(options.paths.folder);
  }

  /** What keeps the log from being healthy, for people; undefined when all is well. */
  get problem(): { readonly isWritable: boolean; readonly message: string } | undefined {
    if (this.refusal !== undefined) return { isWritable: false, message: this.refusal.message };
    return this.trouble === undefined ? undefined : { isWritable: true, message: this.trouble };
  }

  get waitingBytes(): number {
    return this.filling.size + (this.committing?.size ?? 0);
  }

  get waitingLines(): number {
    return this.filling.entries.length + (this.committing?.entries.length ?? 0);
  }

  /** @throws AuditQueueError `overloaded`; AuditStorageError `storage-unavailable`; or why the log is closed */
  assertWritable(): void {
    if (this.refusal !== undefined) throw this.refusal;
    if (this.waitingBytes < MAX_WAITING_BYTES) return;
    throw new AuditQueueError(
      "overloaded",
      `${this.waitingBytes} bytes wait for the disk; the limit is ${MAX_WAITING_BYTES}`,
      {
        retryable: true,
        retryAfterS: RETRY_AFTER_S,
      },
    );
  }

  /** Puts a line into the next commit, whose `done` tells when it is durable. */
  append(line: EncodedLine, entry: IndexEntry): CommitBatch {
    this.filling.add(line, entry);
    this.running ??= this.run();
    return this.filling;
  }

  /** Resolves when everything appended before the call is durable or has failed. */
  async settle(): Promise<void> {
    const waiting = this.filling.entries.length > 0 ? this.filling : this.committing;
    await waiting?.done.catch(() => undefined);
  }

  /** Takes nothing more, finishes what waits, and closes the file. */
  async close(reason: AuditServiceError): Promise<void> {
    this.refusal ??= reason;
    await this.running;
    closeSync(this.fd);
  }

  private async run(): Promise<void> {
    // Requests that the same turn of the event loop has read join this commit.
    await nextTurn();
    while (this.filling.entries.length > 0) {
      const batch = this.filling;
      this.filling = new CommitBatch(this.spare);
      this.spare = undefined;
      this.committing = batch;
      try {
        await this.commit(batch);
      } catch (error) {
        this.breakOff(`${this.file.path} is in an unknown state: ${reasonOf(error)}`);
        batch.reject(this.refusal);
      }
      this.spare = batch.takeBuffer();
    }
    this.committing = undefined;
    this.running = undefined;
  }

  private async commit(batch: CommitBatch): Promise<void> {
    if (this.file.size + batch.size > MAX_FILE_SIZE) this.rotate();
    const offset = this.file.size;
    const failure = await this.write(batch, offset);
    if (failure !== undefined) {
      this.trouble = failure.message;
      this.options.onFailed(batch);
      batch.reject(failure);
      return;
    }
    this.trouble = undefined;
    this.file.size = offset + batch.size;
    try {
      this.options.onCommitted(batch, offset);
    } catch (error) {
      // On the disk but not in the index: only a start, which reads the disk, makes the two agree again.
      this.breakOff(`the index does not take what ${this.file.path} holds: ${reasonOf(error)}`);
      batch.reject(this.refusal);
      return;
    }
    batch.resolve();
    if (this.file.size >= this.options.maxFileBytes) this.rotate();
  }

  private async write(batch: CommitBatch, offset: number): Promise<AuditStorageError | undefined> {
    const { io } = this.options;
    if (!this.isBroken && !this.isOurs(offset)) {
      this.breakOff(`${this.file.path} was moved, removed or changed by another program`);
    }
    if (this.isBroken) return unavailable(this.refusal?.message ?? "the log is read-only", undefined);
    if (offset + batch.size > MAX_FILE_SIZE) {
      const limit = `${this.file.path} is ${offset} bytes; the limit is ${MAX_FILE_SIZE}`;
      return unavailable(this.trouble === undefined ? limit : `${limit}; ${this.trouble}`, undefined);
    }
    try {
      await io.write(this.fd, batch.bytes, offset);
    } catch (cause) {
      try {
        await io.truncate(this.fd, offset);
      } catch (truncateCause) {
        this.breakOff(
          `${this.file.path} could be neither written (${reasonOf(cause)}) nor cut back (${reasonOf(truncateCause)})`,
        );
      }
      return unavailable(`${this.file.path} cannot be written: ${reasonOf(cause)}`, cause);
    }
    try {
      await io.sync(this.fd);
    } catch (cause) {
      this.breakOff(`fsync of ${this.file.path} failed: ${reasonOf(cause)}`);
      // The page cache may show what the medium never got: a restart must not read it back and answer it as stored.
      await io.truncate(this.fd, offset).catch(() => undefined);
      return unavailable(`fsync of ${this.file.path} failed: ${reasonOf(cause)}`, cause);
    }
    return undefined;
  }

  /** Whether the file at the live path is still the one that was left with `size` bytes. */
  private isOurs(size: number): boolean {
    const found = statSync(this.file.path, { throwIfNoEntry: false });
    return found !== undefined && found.size === size && found.ino === fstatSync(this.fd).ino;
  }

  private breakOff(what: string): void {
    this.isBroken = true;
    this.refusal = unavailable(`${what}; the log is read-only until the service is restarted`, undefined);
  }

  /** Gives the live file its final name and begins the next. Where that cannot be done now, the file goes on growing. */
  private rotate(): void {
    const { tail } = this.options;
    tail.beginRotation();
    try {
      this.renameLive();
    } finally {
      tail.endRotation(this.file.firstLine);
    }
  }

  private renameLive(): void {
    const { paths, nextLine, onRotated } = this.options;
    const finalPath = paths.rotated(this.file.firstLine);
    let isRenamed = false;
    let fd: number | undefined;
    try {
      refuseTaken(finalPath, paths.compressed(this.file.firstLine));
      renameSync(this.file.path, finalPath);
      isRenamed = true;
      fd = openLive(paths.live);
      syncFolder(paths.folder);
    } catch (error) {
      this.trouble = `${this.file.path} cannot be rotated: ${reasonOf(error)}`;
      if (isRenamed && !this.undoRotation(finalPath, fd)) this.breakOff(this.trouble);
      return;
    }
    const full = this.fd;
    this.fd = fd;
    this.file.replace(finalPath, undefined);
    const { row, line } = nextLine();
    this.file = new LogFile({ path: paths.live, firstRow: row, firstLine: line, size: 0 });
    onRotated(this.file);
    closeSync(full);
  }

  /** Gives the live file its name back; says whether that worked. */
  private undoRotation(finalPath: string, nextFd: number | undefined): boolean {
    try {
      if (nextFd !== undefined) closeSync(nextFd);
      renameSync(finalPath, this.file.path); // over the empty next file, where there is one
      return true;
    } catch {
      return false;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A rename would replace what has the name. */
function refuseTaken(...paths: readonly string[]): void {
  const taken = paths.find((path) => existsSync(path));
  if (taken !== undefined) throw new Error(`${taken} is there already`);
}

function openLive(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
}

function unavailable(message: string, cause: unknown): AuditStorageError {
  return new AuditStorageError("storage-unavailable", message, {
    cause,
    retryable: true,
    retryAfterS: RETRY_AFTER_S,
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
