/**
 * The contract suite of the port EventQueue, published as `audit-service/testing/queue`: durable on return, one outcome
 * per line in order, identity, and rejection as a whole. Registers vitest tests; each works under a tenant of its own.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import type { QueueSubject, QueueUnderTest } from "#test/contract/subjects.ts";
import { identityContract } from "#test/contract/event-queue-identity.ts";
import { freshTenant, idsOf, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";

/**
 * Registers the suite.
 * @param name what the adapter is called in the report
 * @param openQueue opens the queue; called once
 * @example
 * import { eventQueueContract } from "audit-service/testing/queue";
 *
 * eventQueueContract("my store", async () => {
 *   const disk = await openMyDisk();
 *   let store = await openMyStore(disk);
 *   return {
 *     queue: { send: (lines) => store.send(lines) },
 *     stored: async (key) => (await store.get(key))?.text,
 *     storedOf: (tenantId) => disk.linesOf(tenantId),
 *     knowsAtOnce: true,
 *     crash: async () => {
 *       store = await openMyStore(await disk.asAfterCrash());
 *     },
 *     breakStorage: () => disk.refuseWrites(),
 *     close: () => store.close(),
 *   };
 * });
 */
export function eventQueueContract(name: string, openQueue: () => Promise<QueueUnderTest>): void {
  describe(`${name} keeps the contract of EventQueue`, () => {
    let opened: QueueUnderTest | undefined;
    const subject: QueueSubject = () => {
      if (opened === undefined) throw new Error("the queue is not open");
      return opened;
    };

    beforeAll(async () => {
      opened = await openQueue();
    });

    afterAll(async () => {
      await opened?.close();
    });

    sendContract(subject);
    identityContract(subject);
    rejectionContract(subject);
  });
}

function sendContract(subject: QueueSubject): void {
  describe("send", () => {
    it("takes nothing and answers nothing", async () => {
      const { queue } = subject();

      expect(await queue.send([])).toEqual([]);
    });

    it("answers one outcome per line and stores the exact lines in order", async () => {
      const { queue, storedOf } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 50, { message: 'é 漢字 😀 " \\ \n \u2028' }).toReversed();

      const outcomes = await queue.send(lines);

      expect(outcomes).toEqual(lines.map(() => ({ kind: "accepted" })));
      expect(await storedOf(tenantId)).toEqual(texts(lines));
    });

    it("takes the largest batch of the largest lines that a request can bring", async () => {
      const { queue, storedOf } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 1000, { metadata: { x: "y".repeat(8000) } });

      await queue.send(lines);

      expect(await storedOf(tenantId)).toEqual(texts(lines));
    });

    it("keeps the order of each call when calls run side by side", async () => {
      const { queue, storedOf } = subject();
      const tenantId = freshTenant();
      const calls = Array.from({ length: 20 }, (_, call) =>
        Array.from({ length: 10 }, (__, index) =>
          sampleLine({ tenant_id: tenantId, event_id: `call-${call}-${index}`, user_id: `${call}` }),
        ),
      );

      await Promise.all(calls.map((lines) => queue.send(lines)));

      const stored = await storedOf(tenantId);
      expect(stored).toHaveLength(200);
      for (const lines of calls) {
        const ofCall = new Set(texts(lines));
        expect(stored.filter((line) => ofCall.has(line))).toEqual(texts(lines));
      }
    });

    it("has made lines durable when it returns", async () => {
      const { queue, crash } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 30);
      await Promise.all(lines.map((line) => queue.send([line])));

      await crash();

      expect((await subject().storedOf(tenantId)).toSorted()).toEqual(texts(lines).toSorted());
    });
  });
}

function rejectionContract(subject: QueueSubject): void {
  describe("rejection", () => {
    it("is of the whole call, retryable, and sending again stores each line once", async () => {
      const { queue, breakStorage, storedOf } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 5);
      const repair = breakStorage();

      const refused = queue.send(lines);

      await expect(refused).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
      repair();
      const outcomes = await queue.send(lines);
      expect(outcomes.every(({ kind }) => kind !== "conflict")).toBe(true);
      expect(await storedOf(tenantId)).toEqual(texts(lines));
    });

    it("of one call harms nothing that was acknowledged before", async () => {
      const { queue, breakStorage, storedOf, stored } = subject();
      const tenantId = freshTenant();
      const [before, after] = [sampleLines(tenantId, 3), sampleLines(tenantId, 6).slice(3)];
      await queue.send(before);
      const repair = breakStorage();
      await expect(queue.send(after)).rejects.toMatchObject({ code: "storage-unavailable" });
      repair();

      expect(await stored({ tenantId, eventId: idsOf(before)[2] ?? "" })).toBe(before[2]?.text);
      await queue.send(after);
      expect(await storedOf(tenantId)).toEqual(texts([...before, ...after]));
    });

    it("meets every call that waits for the same line", async () => {
      const { queue, breakStorage, storedOf } = subject();
      const tenantId = freshTenant();
      const line = (): PreparedLine => sampleLine({ tenant_id: tenantId, event_id: "same" });
      const repair = breakStorage();

      const calls = await Promise.allSettled([
        queue.send([line()]),
        queue.send([line()]),
        queue.send([line()]),
      ]);

      expect(calls.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      repair();
      await queue.send([line()]);
      expect(await storedOf(tenantId)).toHaveLength(1);
    });
  });
}

function texts(lines: readonly PreparedLine[]): readonly string[] {
  return lines.map(({ text }) => text);
}
