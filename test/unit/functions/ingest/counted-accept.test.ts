// Counting what is accepted and what is refused, without changing either.
import { describe, expect, it } from "vitest";
import { countedAccept } from "#functions/ingest/counted-accept.ts";
import type { EventsOutcome } from "#functions/telemetry.ts";
import { AuditStorageError, AuditValidationError } from "#lib/errors.ts";
import type { Accept, AcceptedBatch, AcceptedEvent } from "#service/accept.ts";

const CALLER = { caller: { tenantId: undefined } };
const EVENT: AcceptedEvent = { eventId: "a", contentHash: "", json: "{}", isDuplicate: false };
const BATCH: AcceptedBatch = {
  eventIds: ["a", "b"],
  duplicateCount: 0,
  results: [
    { index: 0, status: "accepted", event_id: "a" },
    { index: 1, status: "accepted", event_id: "b" },
    { index: 2, status: "rejected", code: "validation-failed", errors: [] },
  ],
};

describe("countedAccept", () => {
  it("counts an event that was accepted, and hands on the answer", async () => {
    const { accept, counted } = counting({ one: async () => EVENT });

    await expect(accept.one({}, CALLER)).resolves.toBe(EVENT);
    expect(counted).toEqual([{ accepted: 1, rejected: 0 }]);
  });

  it("counts the events of a batch by what became of them", async () => {
    const { accept, counted } = counting({ batch: async () => BATCH });

    await expect(accept.batch({ events: [] }, CALLER)).resolves.toBe(BATCH);
    expect(counted).toEqual([{ accepted: 2, rejected: 1 }]);
  });

  it("counts what was not valid, and hands on the error", async () => {
    const error = new AuditValidationError("validation-failed", "no");
    const fail = async (): Promise<never> => {
      throw error;
    };
    const { accept, counted } = counting({ one: fail, batch: fail });

    await expect(accept.one({}, CALLER)).rejects.toBe(error);
    await expect(accept.batch({ events: [] }, CALLER)).rejects.toBe(error);
    expect(counted).toEqual([
      { accepted: 0, rejected: 1 },
      { accepted: 0, rejected: 1 },
    ]);
  });

  it("counts nothing where the service is at fault", async () => {
    const { accept, counted } = counting({
      one: async () => {
        throw new AuditStorageError("storage-unavailable", "no");
      },
    });

    await expect(accept.one({}, CALLER)).rejects.toThrow("no");
    expect(counted).toEqual([]);
  });
});

function counting(own: Partial<Accept>): { readonly accept: Accept; readonly counted: EventsOutcome[] } {
  const counted: EventsOutcome[] = [];
  const base: Accept = { one: async () => EVENT, batch: async () => BATCH };
  const accept = countedAccept({ ...base, ...own }, { events: (outcome) => counted.push(outcome) });
  return { accept, counted };
}
