/**
 * Goes through the log line by line, by number, while it is written, rotated and compressed: finds the file that holds a
 * line, and goes on in the next one. Reads only lines that are durable, and keeps no byte of what lies behind them.
 */
import type { LogBytes } from "#adapters/file/log-bytes.ts";
import { openLogBytes } from "#adapters/file/log-bytes.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { listFolder } from "#adapters/file/log-folder.ts";
import type { LogTail } from "#adapters/file/log-tail.ts";
import { parseMarker } from "#adapters/file/quarantine-marker.ts";
import type { AuditStorageError } from "#lib/errors.ts";
import { logDiverged } from "#service/log-diverged.ts";

const NEWLINE = 10;
/** A marker begins `{"_q`; no event does. */
const MARKER_THIRD = 0x5f;
const MARKER_FOURTH = 0x71;
/** A file can be compressed between being found and being opened, but not twice. */
const OPEN_ATTEMPTS = 5;
const NONE = Buffer.alloc(0);

/** Gets a line without its newline, valid during the call; false: stop behind it. */
export type LineVisit = (line: Buffer) => boolean;

interface OpenFile {
  readonly path: string;
  readonly firstLine: number;
  /** First line of the file behind it; undefined for the live file. */
  readonly nextLine: number | undefined;
  readonly bytes: LogBytes;
}

export class LineCursor {
  private readonly paths: LogPaths;
  private readonly tail: LogTail;
  private file: OpenFile | undefined;
  private line = 0;
  /** Where in its file the line begins. */
  private offset = 0;
  /** Numbers of it that are passed already: a marker can take several. */
  private passed = 0;

  constructor({ paths, tail }: { readonly paths: LogPaths; readonly tail: LogTail }) {
    this.paths = paths;
    this.tail = tail;
  }

  /**
   * Visits the lines [from, to), one call for each number, until told to stop.
   * @param to at most the number of durable lines
   * @throws AuditStorageError `log-diverged` where lines are missing or unreadable; an error of the file system
   */
  async visit(from: number, to: number, visit: LineVisit): Promise<void> {
    if (from !== this.line) this.close();
    this.line = from;
    while (this.line < to) {
      const file = this.file ?? (await this.enter());
      const isStopped = this.advance(Math.min(to, file.nextLine ?? to), visit);
      if (isStopped) return;
      if (this.line < to) await this.leave(file);
    }
  }

  close(): void {
    const { file } = this;
    this.file = undefined;
    file?.bytes.close();
  }

  /** Opens the file that holds the line, and goes there in it. */
  private async enter(): Promise<OpenFile> {
    const line = this.line;
    const file = await this.open(line);
    this.file = file;
    this.offset = 0;
    this.passed = 0;
    this.line = file.firstLine;
    try {
      if (file.firstLine > line) throw missing(line, file.firstLine, file.path);
      this.advance(line, () => true);
      if (this.line < line) throw missing(this.line, this.endOf(file), file.path);
    } catch (error) {
      this.line = line;
      this.close();
      throw error;
    }
    return file;
  }

  /** Closes a file that is read to its end. */
  private async leave(file: OpenFile): Promise<void> {
    this.close();
    const next = await this.open(this.line);
    next.bytes.close();
    if (next.firstLine > file.firstLine) return;
    throw missing(this.line, this.endOf(next), file.path);
  }

  /** Number of the first line behind a file. */
  private endOf({ nextLine }: OpenFile): number {
    return nextLine ?? this.tail.durableLines;
  }

  private async open(line: number): Promise<OpenFile> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.tail.steadily(
          (liveFirstLine) => this.openAt(line, liveFirstLine),
          ({ bytes }) => bytes.close(),
        );
      } catch (error) {
        const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
        if (!isGone || attempt === OPEN_ATTEMPTS) throw error;
      }
    }
  }

  private openAt(line: number, liveFirstLine: number): OpenFile {
    const { live } = this.paths;
    if (line >= liveFirstLine) {
      const bytes = openLogBytes(live, false);
      return { path: live, firstLine: liveFirstLine, nextLine: undefined, bytes };
    }
    const { rotated } = listFolder(this.paths);
    const place = Math.max(
      0,
      rotated.findLastIndex(({ firstLine }) => firstLine <= line),
    );
    const name = rotated[place];
    if (name === undefined) throw missing(line, liveFirstLine, live);
    const bytes = openLogBytes(name.path, name.isCompressed);
    const nextLine = rotated[place + 1]?.firstLine ?? liveFirstLine;
    return { path: name.path, firstLine: name.firstLine, nextLine, bytes };
  }

  /**
   * Goes on in the open file up to `to`, its end, or where it is told to stop.
   * @returns whether it was told to stop
   */
  private advance(to: number, visit: LineVisit): boolean {
    let carried: Buffer = NONE;
    while (this.line < to) {
      const more = this.more(this.offset + carried.length);
      if (more.length === 0) {
        // A file that was cut within its last line, long ago: what is there of it has a number.
        return carried.length > 0 && this.file?.nextLine !== undefined && this.pass(carried, to, visit);
      }
      const bytes = carried.length === 0 ? more : Buffer.concat([carried, more]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        if (this.pass(bytes.subarray(start, end), to, visit)) return true;
        if (this.line === to) return false;
        start = end + 1;
      }
      carried = Buffer.from(bytes.subarray(start));
    }
    return false;
  }

  /** Passes the numbers of a line up to `to`; answers whether it was told to stop. */
  private pass(line: Buffer, to: number, visit: LineVisit): boolean {
    const numbers = numbersOf(line);
    let isStopped = false;
    while (!isStopped && this.passed < numbers && this.line < to) {
      isStopped = !visit(line);
      this.passed++;
      this.line++;
    }
    if (this.passed === numbers) {
      this.passed = 0;
      this.offset += line.length + 1;
    }
    return isStopped;
  }

  private more(offset: number): Buffer {
    const { file } = this;
    if (file === undefined) return NONE;
    try {
      return file.bytes.at(offset);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const message = `lines from ${this.line} on cannot be read from ${file.path}: ${cause.message}; run auditlog repair`;
      throw logDiverged(message, { cause });
    }
  }
}

/** How many line numbers a line takes. */
function numbersOf(line: Buffer): number {
  const canBeMarker = line[2] === MARKER_THIRD && line[3] === MARKER_FOURTH;
  return canBeMarker ? (parseMarker(line.toString("utf8"))?.lines ?? 1) : 1;
}

function missing(from: number, to: number, path: string): AuditStorageError {
  const message = `lines ${from} to ${to - 1} are missing from the log: ${path} does not hold them`;
  return logDiverged(message, { details: { from, to } });
}
