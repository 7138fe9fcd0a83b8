/** What is damaged in an open log: what its start found, and each line that could not be read back since. */
import type { Damage } from "#adapters/file/damage.ts";
import type { Recovered } from "#adapters/file/recovery.ts";

const MAX_KEPT = 10_000;

export class DamageNotes {
  private readonly recovered: Recovered;
  private readonly kept: Damage[];
  private readonly noted = new Set<number>();

  constructor(recovered: Recovered) {
    this.recovered = recovered;
    this.kept = [...recovered.damages];
  }

  get places(): readonly Damage[] {
    return this.kept;
  }

  /** Lines found unreadable since the start. */
  get rows(): number {
    return this.noted.size;
  }

  note(row: number): void {
    if (this.noted.has(row) || this.kept.length >= MAX_KEPT) return;
    this.noted.add(row);
    const { index, logs } = this.recovered;
    const { path } = logs.fileOf(row);
    this.kept.push({ path, offset: index.offsetOf(row), reason: "the line cannot be read back" });
  }
}
