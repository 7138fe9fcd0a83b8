// A log in memory with a sealer over it, whose lines a test writes: what tests of sealing begin with.
import { hash } from "node:crypto";

import type { SealInput, SealSource } from "#service/log-ports.ts";
import type { Sealer, SealerDeps } from "#service/seal.ts";
import { createSealer } from "#service/seal.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryLogLedger } from "#test/support/memory-log-ledger.ts";
import { TEST_KEYS } from "#test/support/sealing-signers.ts";
import type { VirtualTime } from "#test/support/virtual-time.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

export interface TestLog extends VirtualTime {
  readonly store: MemoryArchive;
  readonly ledger: MemoryLogLedger;
  /** Lines of the log and those to come; the source gives those behind the size asked for. */
  readonly lines: string[];
  readonly open: (
    options?: Partial<Pick<SealerDeps, "signers" | "witnesses" | "maxRunMs" | "removesStaging">>,
  ) => Sealer;
}

export function testLog(maxLeaves = 1000): TestLog {
  const time = virtualTime();
  const store = new MemoryArchive();
  const ledger = new MemoryLogLedger();
  const lines: string[] = [];
  const source: SealSource = {
    next: async (size) => inputOf(lines.slice(size, size + maxLeaves), time.clock.nowMs()),
    settle: async () => undefined,
    tidy: async () => undefined,
  };
  const open: TestLog["open"] = ({ witnesses = [], ...rest } = {}) =>
    createSealer({ ...TEST_KEYS, ledger, store, source, witnesses, clock: time.clock, ...rest });
  return { ...time, store, ledger, lines, open };
}

function inputOf(lines: readonly string[], oldestMs: number): SealInput | undefined {
  if (lines.length === 0) return undefined;
  const entries = Buffer.concat(lines.map((line) => hash("sha256", line, "buffer")));
  return { entries, objects: [], batches: [], oldestMs };
}
