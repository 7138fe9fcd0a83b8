// auditlog send: whatever stands in the input is sent, or said not to be.
import { describe, expect, it } from "vitest";
import type { AuditService } from "#client/audit-service.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { line } from "#test/support/import-fixtures.ts";

const MIB = 1024 * 1024;
const text = (length: number): string => "x".repeat(length);
const idsOf = (stdout: string): string[] => stdout.split("\n").filter(Boolean);

/** Fails from the n-th event on, as a log does whose disk is full. */
function failingFrom(n: number): (audit: AuditService) => AuditService {
  let calls = 0;
  return (audit) => ({
    ...audit,
    log: async (event) => {
      if (++calls >= n)
        throw new AuditStorageError("storage-unavailable", "the disk is full", { retryable: true });
      return audit.log(event);
    },
  });
}

describe("auditlog send", () => {
  it("sends every line behind a broken first one, however many there are", async () => {
    const harness = createCliHarness();
    const good = Array.from({ length: 1300 }, (_, n) => line(`e-${n}`, { message: text(9000) }));

    const { code, stdout, stderr } = await harness.run(["send"], ["{broken\n", ...good]);

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: line 1: the line is not JSON[^\n]*\n$/);
    expect(idsOf(stdout)).toHaveLength(1300);
    expect(harness.store.lines).toHaveLength(1300);
  });

  it("refuses as a whole what is too large for one document and holds no lines", async () => {
    const harness = createCliHarness();
    const events = Array.from(
      { length: 1300 },
      (_, n) => `${line(`e-${n}`, { message: text(9000) }).trim()},\n`,
    );

    const { code, stdout, stderr } = await harness.run(["send"], ["[\n", ...events, line("last"), "]\n"]);

    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      "auditlog: the input is neither lines of JSON nor one JSON text of at most 8388608 bytes; nothing was sent\n",
    );
    expect(harness.store.lines).toHaveLength(0);
  });

  it("leaves no long line out of a document", async () => {
    const harness = createCliHarness();
    const many = Array.from({ length: 200 }, (_, n) => line(`m-${n}`, { message: text(9000) }).trim()).join(
      ",",
    );

    const { code, stdout } = await harness.run(
      ["send"],
      `[\n${line("one").trim()},\n${many},\n${line("two").trim()}\n]\n`,
    );

    expect(code).toBe(0);
    expect(idsOf(stdout)).toHaveLength(202);
  });

  it("takes a batch on one line that is longer than an event may be", async () => {
    const many = Array.from({ length: 200 }, (_, n) => line(`m-${n}`, { message: text(9000) }).trim()).join(
      ",",
    );

    const { code, stdout } = await createCliHarness().run(["send"], `{"events":[${many}]}\n${line("last")}`);

    expect(code).toBe(0);
    expect(idsOf(stdout)).toHaveLength(201);
  });

  it("refuses a line that is longer than anything it takes, and sends those around it", async () => {
    const input = [line("one"), `"${text(9 * MIB)}"\n`, line("two")];

    const { code, stdout, stderr } = await createCliHarness().run(["send"], input);

    expect([code, stdout]).toEqual([1, "one\ntwo\n"]);
    expect(stderr).toBe("auditlog: line 2: the line is longer than 8388608 bytes; no event is\n");
  });

  it("does not alter a document that is not UTF-8: it is refused", async () => {
    const harness = createCliHarness();
    const bytes = Buffer.from('{\n"action":"a","service_name":"s",\n"message":"caf\u00e9"}\n', "latin1");

    const { code, stderr } = await harness.run(["send"], [bytes]);

    expect([code, stderr]).toEqual([1, "auditlog: the input is not valid UTF-8\n"]);
    expect(harness.store.lines).toHaveLength(0);
  });

  it("takes no part of a broken document for a line", async () => {
    const { stderr } = await createCliHarness().run(["send"], '{\n"metadata": {"list": [\n"a",\n"b"\n]}\n');

    expect(stderr).toMatch(/^auditlog: the input is not JSON[^\n]*\n$/);
  });

  it("says where it stopped when the log takes no more, and tells all that was under way", async () => {
    const harness = createCliHarness({ wrap: failingFrom(3) });
    const input = Array.from({ length: 50 }, (_, n) => line(`e-${n}`));

    const { code, stdout, stderr } = await harness.run(["send"], input);

    expect([code, stdout]).toEqual([1, "e-0\ne-1\n"]);
    expect(stderr).toMatch(
      /^auditlog: line 3: the disk is full\nauditlog: line \d+: not sent, nor is what follows\n(auditlog: .*not stored\n)?$/,
    );
  });

  it("says so of events in a list too", async () => {
    const harness = createCliHarness({ wrap: failingFrom(1) });

    const { code, stdout, stderr } = await harness.run(["send"], `[${line("a")},${line("b")}]`);

    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("auditlog: event 1: the disk is full\n");
    expect(stderr).toMatch(
      /auditlog: (event 2: not sent, nor is what follows|2 events in all were not stored)\n$/,
    );
  });
});
