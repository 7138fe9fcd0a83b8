// The store in memory, on which other tests rest, keeps the same contracts as a real one. What it holds does not
// outlive the process, so a crash is left out by letting it go on.
import type { EventQueue } from "#service/ports.ts";
import { eventQueueContract } from "#test/contract/event-queue.ts";
import { eventStoreContract } from "#test/contract/event-store.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { systemError, withFaults } from "#test/support/faults.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

const MANY_CALLS = 1000;

eventStoreContract("the store in memory", async () => {
  const store = new MemoryStore();
  return {
    store,
    put: async (lines) => {
      await store.send(lines);
    },
    close: () => store.close(),
  };
});

eventStoreContract("the store in memory that reads little per page", async () => {
  const store = new MemoryStore({ maxReads: 3 });
  return {
    store,
    put: async (lines) => {
      await store.send(lines);
    },
    close: () => store.close(),
  };
});

eventQueueContract("the store in memory", async () => {
  const store = new MemoryStore();
  const { port: queue, fail, heal } = withFaults<EventQueue>({ send: (lines) => store.send(lines) });
  return {
    queue,
    stored: async (key) => (await store.get(key))?.text,
    storedOf: async (tenantId) =>
      store.lines.filter((line) => line.tenantId === tenantId).map(({ text }) => text),
    knowsAtOnce: true,
    crash: async () => undefined,
    breakStorage: () => {
      const error = new AuditStorageError("storage-unavailable", "made to fail", {
        cause: systemError("ENOSPC"),
        retryable: true,
      });
      fail("send", error, MANY_CALLS);
      return heal;
    },
    close: () => store.close(),
  };
});
