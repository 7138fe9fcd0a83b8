/**
 * One file of the log: the live file, a rotated one, or a compressed one. Reads stretches of it by the offset that
 * the bytes have, or had, in the uncompressed file. Reads are synchronous: pages are bounded to 25 ms of work, and a
 * hit in the page cache costs a tenth of a trip through the thread pool.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { gunzipMember } from "#adapters/file/gzip-members.ts";

/** Where the members of a compressed file lie; member i holds uncompressed bytes [starts[i], starts[i + 1]). */
export interface MemberMap {
  /** Uncompressed start of each member, and the uncompressed size of the file as the last entry. */
  readonly starts: readonly number[];
  /** Compressed start of each member, and the compressed size as the last entry. */
  readonly compressedStarts: readonly number[];
}

const CACHED_MEMBERS = 32;

export class LogFile {
  /** Row of its first line. */
  readonly firstRow: number;
  /** Number of its first line in the log. */
  readonly firstLine: number;
  /** Durable, uncompressed bytes. */
  size: number;
  path: string;
  members: MemberMap | undefined;
  private fd: number | undefined;
  /** Inflated members, the one used last at the end. */
  private readonly inflated = new Map<number, Buffer>();

  constructor(options: {
    path: string;
    firstRow: number;
    firstLine: number;
    size: number;
    members?: MemberMap;
  }) {
    this.path = options.path;
    this.firstRow = options.firstRow;
    this.firstLine = options.firstLine;
    this.size = options.size;
    this.members = options.members;
  }

  /** Bytes [from, to) of the uncompressed file; fewer where the file has been cut. Valid until the next read. */
  read(from: number, to: number): Buffer {
    return this.members === undefined ? this.readBytes(from, to) : this.readMembers(this.members, from, to);
  }

  /** Goes on with another form of the same lines. */
  replace(path: string, members: MemberMap | undefined): void {
    this.close();
    this.path = path;
    this.members = members;
  }

  get isOpen(): boolean {
    return this.fd !== undefined;
  }

  /** Gives up the file descriptor; the next read opens the file again. */
  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    this.inflated.clear();
  }

  private readBytes(from: number, to: number): Buffer {
    this.fd ??= openSync(this.path, "r");
    const bytes = Buffer.allocUnsafe(to - from);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(this.fd, bytes, filled, bytes.length - filled, from + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  private readMembers(map: MemberMap, from: number, to: number): Buffer {
    const parts: Buffer[] = [];
    for (let member = memberAt(map.starts, from); (map.starts[member] ?? to) < to; member++) {
      const start = map.starts[member] ?? 0;
      const lines = this.inflate(map, member);
      parts.push(lines.subarray(Math.max(0, from - start), to - start));
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  private inflate(map: MemberMap, member: number): Buffer {
    const cached = this.inflated.get(member);
    if (cached !== undefined) return cached;
    const lines = gunzipMember(
      this.readBytes(map.compressedStarts[member] ?? 0, map.compressedStarts[member + 1] ?? 0),
    );
    this.inflated.set(member, lines);
    for (const oldest of this.inflated.keys()) {
      if (this.inflated.size <= CACHED_MEMBERS) break;
      this.inflated.delete(oldest);
    }
    return lines;
  }
}

/** Index of the member that holds uncompressed byte `offset`. */
function memberAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
