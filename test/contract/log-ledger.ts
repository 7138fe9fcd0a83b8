// The contract suite of the port LogLedger, run by every adapter. Each test opens a ledger without a head.
import { describe, expect, it } from "vitest";

import type { LogHead, LogLedger } from "#service/log-ports.ts";

/** A ledger without a head, opened for one test. */
export interface LogLedgerUnderTest {
  readonly ledger: LogLedger;
  /** The same ledger as another process sees it, or this one after it was opened again. */
  readonly reopen: () => Promise<LogLedger>;
  readonly close: () => Promise<void>;
}

const RACERS = 12;

/** @param openLedger called once for each test */
export function logLedgerContract(name: string, openLedger: () => Promise<LogLedgerUnderTest>): void {
  const withLedger = async (test: (opened: LogLedgerUnderTest) => Promise<void>): Promise<void> => {
    const opened = await openLedger();
    try {
      await test(opened);
    } finally {
      await opened.close();
    }
  };

  describe(`${name} keeps the contract of LogLedger`, () => {
    it("has no head before the log was founded", async () => {
      await withLedger(async ({ ledger }) => {
        expect(await ledger.readHead()).toBeUndefined();
      });
    });

    it("takes the first head where there is none, and no second one so", async () => {
      await withLedger(async ({ ledger }) => {
        expect(await ledger.swapHead(undefined, headOf("first"))).toBe("swapped");
        expect(await ledger.swapHead(undefined, headOf("other"))).toBe("lost");

        expect(await ledger.readHead()).toEqual(headOf("first"));
      });
    });

    it("loses where another head is expected, or one where there is none", async () => {
      await withLedger(async ({ ledger }) => {
        expect(await ledger.swapHead(headOf("first"), headOf("second"))).toBe("lost");
        await ledger.swapHead(undefined, headOf("first"));

        expect(await ledger.swapHead(headOf("First"), headOf("second"))).toBe("lost");

        expect(await ledger.readHead()).toEqual(headOf("first"));
      });
    });

    it("compares the checkpoint alone", async () => {
      await withLedger(async ({ ledger }) => {
        await ledger.swapHead(undefined, headOf("first"));
        const expected = { checkpoint: headOf("first").checkpoint, staging: undefined, sealedAtMs: 0 };

        expect(await ledger.swapHead(expected, headOf("second"))).toBe("swapped");

        expect(await ledger.readHead()).toEqual(headOf("second"));
      });
    });

    it("keeps a head without staging, and a checkpoint of many signatures to the byte", async () => {
      await withLedger(async ({ ledger, reopen }) => {
        const checkpoint = `${headOf("größer 😀").checkpoint}${"— other Az3grlg=\n".repeat(12)}`;
        const head: LogHead = { checkpoint, staging: undefined, sealedAtMs: 1_772_366_400_123 };

        await ledger.swapHead(undefined, head);

        expect(await ledger.readHead()).toEqual(head);
        expect(await (await reopen()).readHead()).toEqual(head);
      });
    });

    it("shows a swap to every other process at once, and they compare with it", async () => {
      await withLedger(async ({ ledger, reopen }) => {
        await ledger.swapHead(undefined, headOf("first"));
        const other = await reopen();

        expect(await other.swapHead(headOf("first"), headOf("second"))).toBe("swapped");

        expect(await other.readHead()).toEqual(headOf("second"));
        expect(await other.swapHead(headOf("first"), headOf("third"))).toBe("lost");
      });
    });

    it("lets one of many win that swap one head at once", async () => {
      await withLedger(async ({ ledger }) => {
        await ledger.swapHead(undefined, headOf("first"));
        const heads = Array.from({ length: RACERS }, (_, index) => headOf(`racer ${index}`));

        const outcomes = await Promise.all(heads.map((head) => ledger.swapHead(headOf("first"), head)));

        expect(outcomes.filter((outcome) => outcome === "swapped")).toHaveLength(1);
        expect(await ledger.readHead()).toEqual(heads[outcomes.indexOf("swapped")]);
      });
    });
  });
}

function headOf(name: string): LogHead {
  return {
    checkpoint: `log.example/${name}\n70001\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n\n— log.example Az3grlgtzPICa5OS\n`,
    staging: `staging/0000000000070000-0000000000070001-${name}`,
    sealedAtMs: 1_772_366_400_000,
  };
}
