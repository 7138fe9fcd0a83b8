/**
 * Which line number each row of the index has. They run side by side but where a marker of quarantined bytes takes more
 * or fewer numbers than its one row, and where lines are missing: only these breaks are kept.
 */

/** Numbers of lines that nobody can tell before the log is repaired, or that are not there: [from, to). */
export interface UncertainLines {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

interface Break {
  readonly row: number;
  readonly line: number;
}

export class LineNumbers {
  private readonly breaks: Break[] = [{ row: 0, line: 0 }];

  /** Says that `row` has the number `line`. Rows ascend, and those between two calls are counted on. */
  note(row: number, line: number): void {
    const last = this.breaks.at(-1);
    if (last !== undefined && line - row === last.line - last.row) return;
    if (last?.row === row) this.breaks.pop(); // a row has one number: the one that was said last
    this.breaks.push({ row, line });
  }

  lineOf(row: number): number {
    const { row: from, line } = this.lastWhere((at) => at.row <= row);
    return line + row - from;
  }

  /** The first row whose number is `line` or higher. */
  rowFrom(line: number): number {
    const place = this.placeWhere((at) => at.line <= line);
    const at = this.breaks[place];
    const next = this.breaks[place + 1];
    if (at === undefined) return 0;
    const row = at.row + Math.max(0, line - at.line);
    return next === undefined ? row : Math.min(row, next.row);
  }

  private lastWhere(isBefore: (at: Break) => boolean): Break {
    return this.breaks[this.placeWhere(isBefore)] ?? { row: 0, line: 0 };
  }

  /** Place of the last break of which it is true; it is true of none behind one of which it is not. */
  private placeWhere(isBefore: (at: Break) => boolean): number {
    let low = 0;
    let high = this.breaks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const at = this.breaks[middle];
      if (at !== undefined && isBefore(at)) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
