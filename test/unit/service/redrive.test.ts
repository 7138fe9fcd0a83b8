// Bringing dead letters back: every event once and unchanged, whatever is cut off, and nothing deleted before its time.
import { describe, expect, it } from "vitest";

import { packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { decodeLine } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { DeadLetter, LetterQueue } from "#service/dead-letters.ts";
import { peekLetters } from "#service/dead-letters.ts";
import { stampIntake } from "#service/intake.ts";
import type { EventQueue } from "#service/ports.ts";
import type { QuarantineEntry } from "#service/quarantine.ts";
import type { RedriveDeps, RedriveReport } from "#service/redrive.ts";
import { createRedrive } from "#service/redrive.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { MemoryDeadLetters } from "#test/support/memory-dead-letters.ts";

const SENT_AT_MS = Date.parse("2026-03-01T12:00:00.000Z");
const NOW_MS = SENT_AT_MS + 3 * 86_400_000;
const ROLE = "AROAEXAMPLEEXAMPLE";
const ALL = { isDryRun: false };
let salts = 0;
const IDENTIFIERS = { newEventId: () => "unused", newSalt: () => String(salts++).padStart(22, "0") };

function letter(messageId: string, body: string): DeadLetter {
  const senderId = `${ROLE}:function`;
  return { messageId, body, senderId, sentAtMs: SENT_AT_MS, receipt: "", receiveCount: 101 };
}

interface Setup extends RedriveDeps {
  readonly sent: PreparedLine[];
  readonly quarantined: QuarantineEntry[];
  readonly lines: MemoryDeadLetters;
  readonly intake: MemoryDeadLetters;
}

function setUp(letters: Partial<Record<LetterQueue, readonly DeadLetter[]>>): Setup {
  const sent: PreparedLine[] = [];
  const quarantined: QuarantineEntry[] = [];
  const lines = new MemoryDeadLetters("lines", letters.lines ?? []);
  const intake = new MemoryDeadLetters("intake", letters.intake ?? []);
  const send: EventQueue["send"] = async (some) => {
    sent.push(...some);
    return some.map(() => ({ kind: "accepted" }));
  };
  return {
    sent,
    quarantined,
    lines,
    intake,
    sources: [lines, intake],
    queue: { send },
    stamp: (message) => stampIntake(message, { tenants: { [ROLE]: "acme" }, identifiers: IDENTIFIERS }),
    quarantine: async (entries) => void quarantined.push(...entries),
    clock: { nowMs: () => NOW_MS },
  };
}

const event = (members: object): string =>
  JSON.stringify({ action: "read", service_name: "shop", ...members });
const redrive = (deps: RedriveDeps, request = ALL): Promise<RedriveReport> => createRedrive(deps)(request);

describe("a redrive", () => {
  it("stamps events of intake with the id, time and tenant of the original message", async () => {
    const setup = setUp({ intake: [letter("m-1", event({})), letter("m-2", `{"events":[${event({})}]}`)] });

    const report = await redrive(setup);

    expect(report).toEqual({
      messages: 2,
      events: 2,
      quarantined: 0,
      quarantinedMessages: 0,
      left: [],
      isFinished: true,
    });
    expect(setup.sent.map(({ text }) => JSON.parse(text) as unknown)).toMatchObject([
      { event_id: "sqs:m-1", tenant_id: "acme", received_at: "2026-03-01T12:00:00.000Z" },
      { event_id: "sqs:m-2:0", tenant_id: "acme", received_at: "2026-03-01T12:00:00.000Z" },
    ]);
    expect(setup.intake.letters).toEqual([]);
  });

  it("sends stored lines on as they are", async () => {
    const given = [sampleLine({ event_id: "a" }), sampleLine({ event_id: "b" })];
    const [body = ""] = packLines(given.map(({ text }) => text));
    const setup = setUp({ lines: [letter("m-1", body)] });

    await redrive(setup);

    expect(setup.sent.map(({ text }) => text)).toEqual(given.map(({ text }) => text));
  });

  it("deletes nothing whose lines could not be sent, and is done by a second run", async () => {
    const setup = setUp({ intake: Array.from({ length: 25 }, (_, at) => letter(`m-${at}`, event({}))) });
    let calls = 0;
    const send: EventQueue["send"] = async (lines) => {
      if (++calls === 13) throw new AuditStorageError("storage-unavailable", "gone", { retryable: true });
      return setup.queue.send(lines);
    };

    await expect(redrive({ ...setup, queue: { send } })).rejects.toThrow("gone");
    const left = setup.intake.letters.length;
    const report = await redrive(setup);

    expect(left).toBe(25 - setup.sent.length + report.events);
    expect(new Set(setup.sent.map(({ event: { event_id } }) => event_id)).size).toBe(25);
    expect(setup.intake.letters).toEqual([]);
  });

  it("sends the same content again where the removal was cut off", async () => {
    const setup = setUp({ intake: [letter("m-1", event({}))] });
    setup.intake.failRemovals = 1;

    await expect(redrive(setup)).rejects.toThrow("the removal failed");
    await redrive(setup);

    const hashes = setup.sent.map(({ text }) => decodeLine(text).contentHash);
    expect(hashes).toHaveLength(2);
    expect(new Set(hashes).size).toBe(1);
  });

  it("puts what can never be stored into quarantine, and sends the rest of its message", async () => {
    const body = `{"events":[${event({})},{"action":7},${event({})}]}`;
    const setup = setUp({ intake: [letter("m-1", body)], lines: [letter("m-2", "L1z.AAAA")] });

    const report = await redrive(setup);

    expect(report).toMatchObject({ messages: 1, events: 2, quarantined: 2, quarantinedMessages: 1 });
    expect(setup.quarantined).toMatchObject([
      { source: "lines", messageId: "m-2", index: 0, reason: "damaged-message", text: "L1z.AAAA" },
      { source: "intake", messageId: "m-1", index: 1, reason: "validation-failed", text: '{"action":7}' },
    ]);
    expect([...setup.lines.letters, ...setup.intake.letters]).toEqual([]);
  });

  it("counts apart what it sends, what it puts into quarantine, and what it leaves", async () => {
    const list = `{"events":[${event({})},${event({})},{"action":7}]}`;
    const hopeless = `{"events":[{"action":7},{},1]}`;
    const bodies = [event({}), event({}), event({}), list, "{}", "{", hopeless, "1", "E2z.AAAA", "E3z."];
    const setup = setUp({ intake: bodies.map((body, at) => letter(`m-${at}`, body)) });

    const report = await redrive(setup);

    expect({ ...report, left: report.left.length }).toEqual({
      messages: 4,
      events: 5,
      quarantined: 7,
      quarantinedMessages: 4,
      left: 2,
      isFinished: true,
    });
    expect([setup.sent.length, setup.quarantined.length]).toEqual([5, 7]);
  });

  it("leaves what a newer release wrote, and says so", async () => {
    const setup = setUp({ intake: [letter("m-1", "E2z.AAAA")], lines: [letter("m-2", "L2z.AAAA")] });

    const { left, messages } = await redrive(setup);

    expect(messages).toBe(0);
    expect(left.map(({ messageId }) => messageId)).toEqual(["m-2", "m-1"]);
    expect([...setup.lines.visible(), ...setup.intake.visible()]).toHaveLength(2);
  });

  it("goes on where letters that it leaves are seen again before others", async () => {
    const newer = Array.from({ length: 10 }, (_, at) => letter(`newer-${at}`, "E2z.AAAA"));
    const setup = setUp({ intake: [...newer, letter("m-1", event({}))] });
    const { queue, count, remove, putBack } = setup.intake;
    let takes = 0;
    const take: MemoryDeadLetters["take"] = async (max) => {
      if (++takes > 1 && takes < 6) await putBack(newer);
      return setup.intake.take(max);
    };

    const { messages, left } = await redrive({
      ...setup,
      sources: [{ queue, count, take, remove, putBack }],
    });

    expect(messages).toBe(1);
    expect(left).toHaveLength(10);
  });

  it("comes to an end where what it sends dies again at once", async () => {
    const [body = ""] = packLines([sampleLine({ event_id: "a" }).text]);
    const setup = setUp({ lines: [letter("m-1", body)] });
    const send: EventQueue["send"] = async (lines) => {
      setup.lines.letters.push({ ...letter(`again-${setup.sent.length}`, body), sentAtMs: NOW_MS });
      return setup.queue.send(lines);
    };

    const { left, messages } = await redrive({ ...setup, queue: { send } });

    expect(messages).toBe(1);
    expect(left).toMatchObject([{ messageId: "again-0" }]);
  });

  it("takes no more than it is told to", async () => {
    const body = (at: number): string => (at % 2 === 0 ? event({}) : "{}");
    const setup = setUp({ intake: Array.from({ length: 25 }, (_, at) => letter(`m-${at}`, body(at))) });

    const report = await createRedrive(setup)({ ...ALL, maxMessages: 12 });

    expect(report).toMatchObject({ messages: 6, quarantinedMessages: 6, isFinished: false });
    expect(setup.intake.letters).toHaveLength(13);
  });

  it("changes nothing in a dry run, and counts what it would do", async () => {
    const setup = setUp({ intake: [letter("m-1", event({})), letter("m-2", "{}")] });

    const report = await redrive(setup, { isDryRun: true });

    expect(report).toMatchObject({ messages: 1, events: 1, quarantined: 1, quarantinedMessages: 1 });
    expect([setup.sent, setup.quarantined]).toEqual([[], []]);
    expect(setup.intake.visible()).toHaveLength(2);
  });
});

describe("a look at dead letters", () => {
  it("shows up to so many, and leaves them all visible", async () => {
    const { intake } = setUp({ intake: Array.from({ length: 25 }, (_, at) => letter(`m-${at}`, "{}")) });

    const letters = await peekLetters(intake, 12);

    expect(new Set(letters.map(({ messageId }) => messageId)).size).toBe(12);
    expect(intake.visible()).toHaveLength(25);
  });
});
