/** The log of a service that seals nothing: events have no leaves, and nothing is published. */
import type { Probe } from "#service/health.ts";
import type { LeafStore, LogStore } from "#service/log-ports.ts";
import type { EventStore } from "#service/ports.ts";

/** What proofs and the feed are answered from. */
export interface ReadableLog {
  readonly leaves: LeafStore;
  readonly objects: Pick<LogStore, "get">;
}

/** How sealing stands where there is none. */
export const probeUnsealed: Probe = async () => ({
  status: "healthy",
  problems: [],
  details: { sealing: "off" },
});

export function createUnsealedLog(store: Pick<EventStore, "get">): ReadableLog {
  return {
    leaves: {
      findLeaf: async (key) => {
        const found = await store.get(key);
        return found && { ...found, leaf: undefined };
      },
      readLeaves: async (from) => ({ lines: [], unreadable: [], next: from }),
    },
    objects: { get: async () => undefined },
  };
}
