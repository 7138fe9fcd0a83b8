/**
 * Lines that wait for one write and one fsync, already as bytes. Buffers are lent from batch to batch, so that
 * steady traffic allocates nothing here.
 */
import type { IndexEntry } from "#adapters/file/line-index.ts";
import type { EncodedLine } from "#event/stored-line.ts";

const FIRST_BYTES = 256 * 1024;
/** A larger buffer is left to the garbage collector after its batch. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;
const NEWLINE = 10;

export class CommitBatch {
  /** What the index will take of each line; the events themselves are let go at once. */
  readonly entries: IndexEntry[] = [];
  readonly contentHashes: string[] = [];
  /** Where each line begins in the batch. */
  readonly starts: number[] = [];
  /** Settles when the batch is durable or has failed. */
  readonly done: Promise<unknown>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  private buffer: Buffer;
  private used = 0;

  constructor(buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)) {
    this.buffer = buffer;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.done = promise;
    this.resolve = () => resolve(undefined);
    this.reject = reject;
    promise.catch(() => undefined); // whoever waits sees the rejection; a batch nobody waits for must not end the process
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }

  get size(): number {
    return this.used;
  }

  add({ text, contentHash }: EncodedLine, entry: IndexEntry): void {
    this.reserve(text.length * 3 + 1); // UTF-8 takes at most three bytes for a UTF-16 code unit
    this.entries.push(entry);
    this.contentHashes.push(contentHash);
    this.starts.push(this.used);
    this.used += this.buffer.write(text, this.used);
    this.buffer[this.used++] = NEWLINE;
  }

  /** The line at a place. */
  text(place: number): string {
    return this.buffer.toString("utf8", this.starts[place], (this.starts[place + 1] ?? this.used) - 1);
  }

  /** The buffer, for the next batch; this one must not be used any more. */
  takeBuffer(): Buffer | undefined {
    return this.buffer.length <= MAX_KEPT_BYTES ? this.buffer : undefined;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.used + bytes, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}
