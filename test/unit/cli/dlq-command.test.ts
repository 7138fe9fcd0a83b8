// auditlog dlq: what it tells of dead letters, and what it keeps to itself.
import { describe, expect, it } from "vitest";

import type { RedriveReport, ShownLetter } from "#cli/operator.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { runWithOperator } from "#test/support/fake-operator.ts";

const NOW_MS = Date.parse("2026-03-04T12:00:00.000Z");
const NOW = { nowMs: () => NOW_MS };
const LETTER: ShownLetter = {
  queue: "intake",
  messageId: "m-1",
  senderId: "AROA:shop",
  sentAtMs: NOW_MS - 3 * 86_400_000,
  receiveCount: 101,
  bytes: 1234,
  newerFormat: undefined,
  events: [
    { eventId: "sqs:m-1:0", tenantId: "acme", action: "login", service: "shop", text: '{"secret":"line"}' },
  ],
  refused: [
    {
      index: 1,
      reason: "validation-failed",
      errors: [{ path: "/action", message: "is blank" }],
      text: "SECRET",
    },
  ],
};
const DONE: RedriveReport = {
  messages: 12,
  events: 1200,
  quarantined: 0,
  quarantinedMessages: 0,
  left: [],
  isFinished: true,
};

describe("auditlog dlq list", () => {
  it("counts the letters of both queues and names the oldest it has seen", async () => {
    const { stdout, code, target, isClosed } = await runWithOperator(
      {
        countLetters: async () => [
          { queue: "lines", waiting: 0, taken: 0 },
          { queue: "intake", waiting: 1234, taken: 2 },
        ],
        readLetters: async () => [LETTER],
      },
      ["dlq", "list", "--outputs", "out.json"],
      NOW,
    );

    expect([code, target, isClosed]).toEqual([0, { outputs: "out.json" }, true]);
    expect(stdout).toBe(
      [
        "lines   0 waiting",
        "intake  1,234 waiting, 2 taken at the moment; oldest of a sample sent 2026-03-01T12:00:00.000Z (3 d ago)",
        "Look at them with: auditlog dlq show",
        "",
      ].join("\n"),
    );
  });

  it("takes no letter where there is none, as JSON too", async () => {
    const countLetters = async (): Promise<[{ queue: "lines"; waiting: number; taken: number }]> => [
      { queue: "lines", waiting: 0, taken: 0 },
    ];

    const text = await runWithOperator({ countLetters }, ["dlq", "list"], NOW);
    const json = await runWithOperator({ countLetters }, ["dlq", "list", "--json"], NOW);

    expect(text.stdout).toBe("lines   0 waiting\nNo dead letters.\n");
    expect(JSON.parse(json.stdout)).toEqual([
      { queue: "lines", waiting: 0, taken: 0, oldest_of_sample: null, sample: [] },
    ]);
  });
});

describe("auditlog dlq show", () => {
  it("tells what would become of each event, and no payload", async () => {
    const { stdout } = await runWithOperator({ readLetters: async () => [LETTER] }, ["dlq", "show"], NOW);

    expect(stdout).toBe(
      [
        "intake m-1",
        "  sent 2026-03-01T12:00:00.000Z (3 d ago) by AROA:shop, received 101 times, 1,234 bytes",
        "  event sqs:m-1:0 of tenant acme: login in shop",
        "  entry 1 can never be stored, validation-failed: /action is blank",
        "",
      ].join("\n"),
    );
  });

  it("prints payloads only when asked, in JSON too", async () => {
    const readLetters = async (): Promise<ShownLetter[]> => [LETTER];

    const text = await runWithOperator({ readLetters }, ["dlq", "show", "--payload"], NOW);
    const json = await runWithOperator({ readLetters }, ["dlq", "show", "--json"], NOW);
    const full = await runWithOperator({ readLetters }, ["dlq", "show", "--json", "--payload"], NOW);

    expect(text.stdout).toContain('{"secret":"line"}');
    expect(text.stdout).toContain("SECRET");
    expect(json.stdout).not.toMatch(/secret/i);
    expect(JSON.parse(full.stdout)).toMatchObject({ message_id: "m-1", refused: [{ text: "SECRET" }] });
  });

  it("asks for so many as it is told, and shows what a newer release wrote as that", async () => {
    let asked = 0;
    const readLetters = async (max: number): Promise<ShownLetter[]> => {
      asked = max;
      return [{ ...LETTER, newerFormat: "E2z.", events: [], refused: [] }];
    };

    const { stdout } = await runWithOperator({ readLetters }, ["dlq", "show", "--max", "3"], NOW);

    expect(asked).toBe(3);
    expect(stdout).toContain("is in a format of a newer release (E2z.)");
  });

  it("lets nothing of a letter reach the terminal as it is", async () => {
    const [event] = LETTER.events;
    const hostile = {
      ...LETTER,
      messageId: "\u001b[2J",
      events: [{ ...event!, action: "\u001b]0;x\u0007" }],
    };

    const { stdout } = await runWithOperator({ readLetters: async () => [hostile] }, ["dlq", "show"], NOW);

    expect(stdout).not.toContain("\u001b");
  });
});

describe("auditlog dlq redrive", () => {
  it("passes on what it is told, and tells what it has done", async () => {
    let asked: unknown;
    const redrive = async ({
      maxMessages,
      isDryRun,
    }: object & { maxMessages?: unknown; isDryRun?: unknown }) => {
      asked = { maxMessages, isDryRun };
      return DONE;
    };

    const done = await runWithOperator({ redrive }, ["dlq", "redrive", "--max", "50"]);
    const askedFirst = asked;
    const dry = await runWithOperator({ redrive }, ["dlq", "redrive", "--dry-run"]);

    expect(askedFirst).toEqual({ maxMessages: 50, isDryRun: false });
    expect([done.code, done.stdout]).toEqual([0, "Sent again: 12 messages with 1,200 events.\n"]);
    expect(asked).toEqual({ maxMessages: undefined, isDryRun: true });
    expect(dry.stdout).toBe("To be sent again: 12 messages with 1,200 events; nothing was changed.\n");
  });

  it("fails where something was left, and says what", async () => {
    const left = [
      { queue: "lines" as const, messageId: "m-9", reason: "is in a format of a newer release (L2z.)" },
    ];
    const redrive = async (): Promise<RedriveReport> => ({ ...DONE, left, isFinished: false });

    const { code, stdout } = await runWithOperator({ redrive }, ["dlq", "redrive"]);

    expect(code).toBe(1);
    expect(stdout).toBe(
      [
        "lines m-9 was left: is in a format of a newer release (L2z.)",
        "Sent again: 12 messages with 1,200 events.",
        "Left where it was: 1 message.",
        "There may be more: run the same again.",
        "",
      ].join("\n"),
    );
  });

  it.each([
    [1, 0, "Put into quarantine/ of the archive: 1 entry.\n"],
    [7, 4, "Put into quarantine/ of the archive: 7 entries, 4 messages held nothing else.\n"],
    [1, 1, "Put into quarantine/ of the archive: 1 entry, 1 message held nothing else.\n"],
  ])("says of %i entries in quarantine whether they were whole messages", async (entries, whole, text) => {
    const report = { ...DONE, quarantined: entries, quarantinedMessages: whole };
    const redrive = async (): Promise<RedriveReport> => report;

    const done = await runWithOperator({ redrive }, ["dlq", "redrive"]);
    const dry = await runWithOperator({ redrive }, ["dlq", "redrive", "--dry-run"]);
    const json = await runWithOperator({ redrive }, ["dlq", "redrive", "--json"]);

    expect(done.stdout).toBe(`Sent again: 12 messages with 1,200 events.\n${text}`);
    expect(dry.stdout).toContain(`\nTo be put into quarantine/`);
    expect(JSON.parse(json.stdout)).toEqual({
      dry_run: false,
      messages: 12,
      events: 1200,
      quarantined: entries,
      quarantined_messages: whole,
      left: [],
      finished: true,
    });
  });

  it("ends with the code of an interrupt after Ctrl-C, and with one line where the queues are away", async () => {
    const redrive = async (): Promise<RedriveReport> => DONE;
    const away = async (): Promise<never> => {
      throw new AuditServiceError("storage-unavailable", "the receipt of dead letters was answered by X");
    };

    const stopped = await runWithOperator({ redrive }, ["dlq", "redrive"], { stop: AbortSignal.abort() });
    const failed = await runWithOperator({ redrive: away }, ["dlq", "redrive"]);

    expect(stopped.code).toBe(130);
    expect([failed.code, failed.stderr]).toEqual([
      1,
      "auditlog: the receipt of dead letters was answered by X\n",
    ]);
  });

  it("shows how far it is: redrawn on a terminal, and taken away at the end", async () => {
    let now = NOW_MS;
    const redrive = async ({ onProgress }: { onProgress: (report: RedriveReport) => Promise<void> }) => {
      now += 10_000;
      await onProgress(DONE);
      return DONE;
    };

    const options = { nowMs: () => now };
    const terminal = await runWithOperator({ redrive }, ["dlq", "redrive"], { ...options, columns: 80 });
    const pipe = await runWithOperator({ redrive }, ["dlq", "redrive"], options);

    expect(terminal.stderr).toBe("\r\u001b[2K12 messages, 1,200 events, 0 quarantined\r\u001b[2K");
    expect(pipe.stderr).toBe("12 messages, 1,200 events, 0 quarantined\n");
  });

  it.each([["list"], ["show"], ["redrive"]])("explains %s and where names come from", async (name) => {
    const { code, stdout } = await runWithOperator({}, ["dlq", name, "--help"]);

    expect(code).toBe(0);
    expect(stdout).toContain("--outputs");
    expect(stdout).toContain("AUDIT_QUEUE_DLQ_URL");
    expect(stdout).toContain(`auditlog dlq ${name}`);
  });
});
