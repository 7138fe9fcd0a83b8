// Whatever a log and those who pose as it ask in whatever order: a witness cosigns one history, and never goes back on it.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { verifyEd25519 } from "#service/ed25519.ts";
import { createWitness, logsOfKeys } from "#service/witness.ts";
import {
  cosignedAt,
  createTestLog,
  createTestSigner,
  memoryWitnessStore,
} from "#test/support/witnessed-log.ts";

const MAX_SIZE = 40;
const signer = createTestSigner("log.example/audit");
/** They have entries in common up to the index of each, and none behind. */
const HISTORIES = [0, 1, 7, 16, 33].map((forkAt) => ({
  forkAt,
  log: createTestLog(signer, (index) => (index < forkAt ? `e${index}` : `from ${forkAt}: ${index}`)),
}));

interface Ask {
  readonly history: number;
  readonly oldSize: number;
  readonly newSize: number;
}

/** What the specification says of a request, with the witness at `known`. */
function expectedStatus(
  { history, oldSize, newSize }: Ask,
  known: { size: number; history: number },
): number {
  if (oldSize > newSize) return 400;
  if (oldSize !== known.size) return 409;
  if (oldSize === 0) return 200;
  const common = Math.min(HISTORIES[history]!.forkAt, HISTORIES[known.history]!.forkAt);
  return history === known.history || known.size <= common ? 200 : 422;
}

const anyAsk: fc.Arbitrary<Ask & { readonly isAtKnown: boolean }> = fc.record({
  history: fc.nat({ max: HISTORIES.length - 1 }),
  oldSize: fc.nat({ max: MAX_SIZE }),
  newSize: fc.nat({ max: MAX_SIZE }),
  isAtKnown: fc.boolean(),
});

it("follows the model of one log that only grows, over any sequence of requests", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyAsk, { minLength: 1, maxLength: 30 }), async (asks) => {
      const store = memoryWitnessStore();
      const witness = createWitness({
        logs: logsOfKeys([HISTORIES[0]!.log.verifierKey]),
        store,
        signer: createTestSigner("witness.example/w1"),
        clock: { nowMs: () => 1e12 },
        verify: verifyEd25519,
      });
      let known = { size: 0, history: 0 };

      for (const { isAtKnown, ...drawn } of asks) {
        const ask = isAtKnown ? { ...drawn, oldSize: known.size } : drawn;
        const { log } = HISTORIES[ask.history]!;
        const reply = await witness.addCheckpoint(log.request(ask.oldSize, ask.newSize));

        expect({ ask, known, status: reply.status }).toEqual({
          ask,
          known,
          status: expectedStatus(ask, known),
        });
        if (reply.status === 409) expect(reply.body).toBe(`${known.size}\n`);
        if (reply.status !== 200) continue;
        known = { size: ask.newSize, history: ask.history };
        cosignedAt(log.checkpoint(ask.newSize), reply.body, witness.verifierKey);
        expect(await store.read("log.example/audit")).toBe(`${log.checkpoint(ask.newSize)}${reply.body}`);
      }
    }),
    { numRuns: 60 },
  );
});
