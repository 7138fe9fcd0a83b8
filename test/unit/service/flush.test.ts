// Waiting until events are stored: at once, later, and not within the deadline.
import { describe, expect, it } from "vitest";
import { createFlush, FLUSH_DEADLINE_MS } from "#service/flush.ts";
import { accepted } from "#test/support/event-fixtures.ts";
import { withFaults } from "#test/support/faults.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

describe("createFlush", () => {
  it("answers flushed once the store is", async () => {
    const flush = createFlush({ store: new MemoryStore(), ...virtualTime() });

    expect(await flush({ tenantId: "default", eventIds: [] })).toEqual({ status: "flushed" });
  });

  it("answers pending where the store is not within the deadline", async () => {
    const faulty = withFaults(new MemoryStore());
    const hold = faulty.hold("flush");
    const time = virtualTime();

    const outcome = await createFlush({ store: faulty.port, ...time })({ tenantId: "default", eventIds: [] });

    expect(outcome).toEqual({ status: "pending" });
    expect(time.monotonicMs()).toBe(FLUSH_DEADLINE_MS);
    hold.release();
  });

  it("waits for the events named", async () => {
    const store = new MemoryStore();
    const { sleep, ...time } = virtualTime();
    const storing = async (ms: number): Promise<void> => {
      await sleep(ms);
      await store.send([accepted({ event_id: "a" })]);
    };

    const outcome = await createFlush({ store, ...time, sleep: storing })({
      tenantId: "default",
      eventIds: ["a"],
    });

    expect(outcome).toEqual({ status: "flushed" });
  });

  it("says how many of them are missing in the end", async () => {
    const store = new MemoryStore();
    await store.send([accepted({ event_id: "a" })]);
    const time = virtualTime();

    const outcome = await createFlush({ store, ...time })({ tenantId: "default", eventIds: ["a", "b", "c"] });

    expect(outcome).toEqual({ status: "pending", pending: 2 });
    expect(time.monotonicMs()).toBeGreaterThanOrEqual(FLUSH_DEADLINE_MS);
  });
});
