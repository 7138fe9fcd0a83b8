// When a wake-up is worth a seal: a busy log every ten seconds, a quiet one not before the schedule has to come.
import { describe, expect, it } from "vitest";

import type { SealPace } from "#functions/aws-variables.ts";
import { createPace } from "#functions/seal/pace.ts";
import type { PendingBatch } from "#service/log-ports.ts";
import { freshBatchId } from "#test/contract/sample-batches.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00.000Z");

/** Of no lines: the winners of each stand elsewhere. */
const MANY = Array.from({ length: 100 }, () => 0);

interface Situation {
  /** undefined: the log is not founded. */
  readonly sealedAgoS: number | undefined;
  /** Events of each pending batch. */
  readonly pending: readonly number[];
  readonly oldestAgoS?: number;
  readonly sealPace?: SealPace;
}

async function isWorthIt({
  sealedAgoS,
  pending,
  oldestAgoS = 1,
  sealPace = "adaptive",
}: Situation): Promise<boolean> {
  const batches = pending.map((lineCount, at): PendingBatch => {
    const batchId = freshBatchId(NOW_MS - (at === 0 ? oldestAgoS : 0) * 1000);
    const winners = Array.from({ length: lineCount }, (_, line) => line);
    return { batchId, row: { batchId, lineCount, winners, conflicts: [], unindexed: [] } };
  });
  const pace = createPace({
    ledger: { pending: async (limit) => batches.slice(0, limit) },
    log: {
      readHead: async () =>
        sealedAgoS === undefined
          ? undefined
          : { checkpoint: "", staging: undefined, sealedAtMs: NOW_MS - sealedAgoS * 1000 },
    },
    clock: { nowMs: () => NOW_MS },
    sealPace,
  });
  return pace();
}

describe("a wake-up", () => {
  it.each<readonly [string, Situation, boolean]>([
    ["of a log that is not founded", { sealedAgoS: undefined, pending: [1] }, true],
    ["soon after a seal, however busy", { sealedAgoS: 9.9, pending: [5000] }, false],
    ["of a busy log, ten seconds after a seal", { sealedAgoS: 10, pending: [4, 6] }, true],
    ["of a log that is not quite busy", { sealedAgoS: 10, pending: [4, 5] }, false],
    ["of a log that was never busy", { sealedAgoS: 60, pending: [14, 5], oldestAgoS: 20 }, false],
    ["of a quiet log", { sealedAgoS: 3600, pending: [1] }, false],
    ["of a quiet log whose schedule is late", { sealedAgoS: 3600, pending: [1], oldestAgoS: 45 }, true],
    ["just before that", { sealedAgoS: 3600, pending: [1], oldestAgoS: 44 }, false],
    ["of a burst after a quiet day", { sealedAgoS: 86_400, pending: [5000] }, true],
    ["of very many batches", { sealedAgoS: 10, pending: MANY, oldestAgoS: 40 }, true],
    ["where another sealer was faster", { sealedAgoS: 60, pending: [] }, false],
    ["soon after a seal, where each is to seal", { sealedAgoS: 1, pending: [1], sealPace: "eager" }, true],
  ])("%s", async (_, situation, expected) => {
    expect(await isWorthIt(situation)).toBe(expected);
  });

  it("counts a batch whose row is missing for what it is: something to be looked at", async () => {
    const pace = createPace({
      ledger: { pending: async () => [{ batchId: freshBatchId(NOW_MS - 45_000), row: undefined }] },
      log: { readHead: async () => ({ checkpoint: "", staging: undefined, sealedAtMs: 0 }) },
      clock: { nowMs: () => NOW_MS },
      sealPace: "adaptive",
    });

    expect(await pace()).toBe(true);
  });
});
