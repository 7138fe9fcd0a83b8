/**
 * All files of the log in order, and reading lines from them by row: neighbours are read together, so a page of the
 * latest events is one read.
 */
import type { LineIndex } from "#adapters/file/line-index.ts";
import type { LogFile } from "#adapters/file/log-file.ts";
import { AuditStorageError } from "#lib/errors.ts";

/** Lines at most so far apart are read in one go. */
const MAX_GAP_BYTES = 4096;
const MAX_READ_BYTES = 1024 * 1024;
/** Files kept open for reading. */
const MAX_OPEN_FILES = 64;

/** What passes: the file is not damaged, and a page must not leave its lines out. */
const SHORTAGES: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"]);

interface Stretch {
  readonly file: LogFile;
  readonly from: number;
  to: number;
  readonly rows: number[];
}

export class LogSet {
  readonly files: LogFile[] = [];
  private readonly index: LineIndex;
  private readonly opened = new Set<LogFile>();

  constructor(index: LineIndex) {
    this.index = index;
  }

  fileOf(row: number): LogFile {
    let low = 0;
    let high = this.files.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.files[middle]?.firstRow ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    const file = this.files[low];
    if (file === undefined) throw new RangeError(`no file holds row ${row}`);
    return file;
  }

  /** Byte behind the last of a row's line, its newline not counted. */
  private endOf(row: number, file: LogFile): number {
    const next = row + 1;
    const isLast = next === this.index.rows || this.fileOf(next) !== file;
    return (isLast ? file.size : this.index.offsetOf(next)) - 1;
  }

  /**
   * The lines of `rows`, in their order; undefined where one cannot be read back. Stops early, with fewer lines,
   * once `isOverdue` says so, but always with the first.
   * @throws AuditStorageError `storage-unavailable` where it is the process that lacks the means to read
   */
  read(
    rows: readonly number[],
    isOverdue: () => boolean = () => false,
  ): ReadonlyMap<number, string | undefined> {
    const lines = new Map<number, string | undefined>();
    for (const stretch of this.stretches(rows)) {
      if (lines.size > 0 && isOverdue()) break;
      this.readStretch(stretch, lines);
    }
    return lines;
  }

  close(): void {
    for (const file of this.files) file.close();
  }

  /** Groups rows into stretches of neighbours; the one with the first row comes first, and so on. */
  private stretches(rows: readonly number[]): Stretch[] {
    const stretches: Stretch[] = [];
    for (const row of rows.toSorted((a, b) => a - b)) {
      const next = this.stretchOf(row);
      const { file, from, to } = next;
      const last = stretches.at(-1);
      if (last?.file === file && from - last.to <= MAX_GAP_BYTES && to - last.from <= MAX_READ_BYTES) {
        last.to = to;
        last.rows.push(row);
      } else stretches.push(next);
    }
    if (stretches.length < 2) return stretches;
    const places = new Map(rows.map((row, place) => [row, place]));
    const firstPlace = (stretch: Stretch): number =>
      stretch.rows.reduce((first, row) => Math.min(first, places.get(row) ?? first), rows.length);
    return stretches
      .map((stretch) => ({ stretch, place: firstPlace(stretch) }))
      .sort((a, b) => a.place - b.place)
      .map(({ stretch }) => stretch);
  }

  private stretchOf(row: number): Stretch {
    const file = this.fileOf(row);
    return { file, from: this.index.offsetOf(row), to: this.endOf(row, file), rows: [row] };
  }

  private readStretch({ file, from, to, rows }: Stretch, lines: Map<number, string | undefined>): void {
    let bytes: Buffer;
    try {
      bytes = file.read(from, to);
    } catch (error) {
      refuseWhileShort(error);
      // The caller reports the damage, by row; neighbours that can be read alone are not lost with it.
      if (rows.length === 1) for (const row of rows) lines.set(row, undefined);
      else for (const row of rows) this.readStretch(this.stretchOf(row), lines);
      return;
    }
    this.noteOpen(file);
    for (const row of rows) {
      const start = this.index.offsetOf(row) - from;
      const end = this.endOf(row, file) - from;
      lines.set(row, end > bytes.length ? undefined : bytes.toString("utf8", start, end));
    }
  }

  private noteOpen(file: LogFile): void {
    if (!file.isOpen) return;
    this.opened.delete(file);
    this.opened.add(file);
    for (const oldest of this.opened) {
      if (this.opened.size <= MAX_OPEN_FILES) break;
      oldest.close();
      this.opened.delete(oldest);
    }
  }
}

/** @throws AuditStorageError `storage-unavailable` where `error` is a shortage */
function refuseWhileShort(error: unknown): void {
  if (!(error instanceof Error) || !("code" in error) || !SHORTAGES.has(error.code)) return;
  throw new AuditStorageError("storage-unavailable", `the log cannot be read now: ${error.message}`, {
    cause: error,
    retryable: true,
    retryAfterS: 1,
  });
}
