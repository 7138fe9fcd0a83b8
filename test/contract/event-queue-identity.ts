// Contract of EventQueue, part: identity is (tenant_id, event_id). The first wins, the same again is stored once, and
// other content never takes its place; in turn, side by side, and within one call.
import { describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import type { SendOutcome } from "#service/ports.ts";
import type { QueueSubject } from "#test/contract/subjects.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { freshTenant, sampleLine } from "#test/contract/sample-lines.ts";

/** An outcome with the line that it gives. */
interface Told {
  readonly kind: SendOutcome["kind"];
  readonly line?: string;
}

async function told(sending: Promise<readonly SendOutcome[]>): Promise<Told[]> {
  const outcomes = await sending;
  return Promise.all(
    outcomes.map(async (outcome) =>
      outcome.kind === "duplicate"
        ? { kind: outcome.kind, line: await outcome.readLine() }
        : { kind: outcome.kind },
    ),
  );
}

export function identityContract(subject: QueueSubject): void {
  /** What a second send answers: the stored line or a conflict where the queue knows at once, else accepted. */
  const known = (outcome: Told): Told => (subject().knowsAtOnce ? outcome : { kind: "accepted" });

  describe("identity", () => {
    it("answers a line that was sent again with the stored one", async () => {
      const { queue, storedOf } = subject();
      const line = lineMaker(freshTenant());
      const [first, again] = [line(), line()];

      await queue.send([first]);
      const outcome = await told(queue.send([again]));

      expect(again.text).not.toBe(first.text);
      expect(outcome).toEqual([known({ kind: "duplicate", line: first.text })]);
      expect(await storedOf(first.event.tenant_id)).toEqual([first.text]);
    });

    it("never lets other content take the place of the first", async () => {
      const { queue, storedOf, stored, knowsAtOnce } = subject();
      const line = lineMaker(freshTenant());
      const [first, other] = [line(), line({ message: "other" })];

      await queue.send([first]);
      const outcome = await told(queue.send([other]));

      const { tenant_id: tenantId, event_id: eventId } = first.event;
      expect(outcome).toEqual([known({ kind: "conflict" })]);
      expect(await stored({ tenantId, eventId })).toBe(first.text);
      expect((await storedOf(tenantId)).length).toBe(knowsAtOnce ? 1 : 2);
    });

    it("holds within one call, where the first of two wins", async () => {
      const { queue, stored } = subject();
      const line = lineMaker(freshTenant());
      const lines = [line(), line(), line({ message: "other" }), line({ event_id: "next" })];

      const outcomes = await told(queue.send(lines));

      const text = lines[0]?.text ?? "";
      const { tenant_id: tenantId, event_id: eventId } = line().event;
      expect(outcomes).toEqual([
        { kind: "accepted" },
        { kind: "duplicate", line: text },
        { kind: "conflict" },
        { kind: "accepted" },
      ]);
      expect(await stored({ tenantId, eventId })).toBe(text);
    });

    it("stores the same line once, however many calls send it side by side", async () => {
      const { queue, storedOf, knowsAtOnce } = subject();
      const line = lineMaker(freshTenant());

      const outcomes = await Promise.all(Array.from({ length: 50 }, () => queue.send([line()])));

      const kinds = outcomes.flat().map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === "accepted")).toHaveLength(knowsAtOnce ? 1 : 50);
      expect(kinds.filter((kind) => kind === "conflict")).toEqual([]);
      expect(await storedOf(line().event.tenant_id)).toHaveLength(1);
    });

    it("lets the first of two win that run side by side with other content", async () => {
      const { queue, stored } = subject();
      const line = lineMaker(freshTenant());
      const [first, other] = [line(), line({ message: "other" })];

      const outcomes = await Promise.all([queue.send([first]), queue.send([other])]);

      const { tenant_id: tenantId, event_id: eventId } = first.event;
      expect(outcomes.flat()).toEqual([{ kind: "accepted" }, known({ kind: "conflict" })]);
      expect(await stored({ tenantId, eventId })).toBe(first.text);
    });

    it("keeps tenants apart", async () => {
      const { queue, stored } = subject();
      const lines = [lineMaker(freshTenant())(), lineMaker(freshTenant())({ message: "other" })];

      expect(await queue.send(lines)).toEqual([{ kind: "accepted" }, { kind: "accepted" }]);
      for (const { event, text } of lines) {
        expect(await stored({ tenantId: event.tenant_id, eventId: event.event_id })).toBe(text);
      }
    });

    it("mixes new lines, duplicates and conflicts in one call, each in its place", async () => {
      const { queue } = subject();
      const line = lineMaker(freshTenant());
      const old = line({ event_id: "old" });
      await queue.send([old]);

      const outcomes = await told(
        queue.send([
          line({ event_id: "new-1" }),
          line({ event_id: "old" }),
          line({ event_id: "new-2" }),
          line({ event_id: "old", message: "other" }),
          line({ event_id: "new-1", message: "other" }),
        ]),
      );

      expect(outcomes).toEqual([
        { kind: "accepted" },
        known({ kind: "duplicate", line: old.text }),
        { kind: "accepted" },
        { kind: "conflict" },
        { kind: "conflict" },
      ]);
    });

    it("outlives a crash", async () => {
      const { queue, crash } = subject();
      const line = lineMaker(freshTenant());
      const first = line();
      await queue.send([first]);

      await crash();

      const after = subject();
      expect(await told(after.queue.send([line()]))).toEqual([
        known({ kind: "duplicate", line: first.text }),
      ]);
      expect(await after.queue.send([line({ message: "other" })])).toEqual([known({ kind: "conflict" })]);
    });
  });
}

/** Lines of one id and tenant: the same content unless members are given. */
function lineMaker(tenantId: string): (members?: Members) => PreparedLine {
  const base = { tenant_id: tenantId, event_id: "same", timestamp: "2026-02-01T00:00:00Z" };
  return (members = {}) => sampleLine({ ...base, ...members });
}
