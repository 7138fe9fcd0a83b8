// What the marks of two tables say without the archive: that they belong together, or which of them is to be restored.
import { describe, expect, it } from "vitest";

import type { Mark, ReadableMark } from "#service/table-mark.ts";
import { checkMarks } from "#service/table-mark.ts";

const EVENTS_MARK: Mark = { incarnation: "one", tableId: "events-id" };
const LEDGER_MARK: Mark = { incarnation: "one", tableId: "ledger-id" };

/** A table with an identity, and the mark that it carries. */
function table(name: string, tableId: string, mark: Mark | undefined): ReadableMark {
  return { table: name, read: async () => ({ tableId, mark }) };
}

const EVENTS = table("events", "events-id", EVENTS_MARK);
const LEDGER = table("ledger", "ledger-id", LEDGER_MARK);

describe("checkMarks", () => {
  it.each([
    { title: "the tables of one deployment", marks: [EVENTS, LEDGER] },
    {
      title: "tables before the first start",
      marks: [table("events", "events-id", undefined), table("ledger", "ledger-id", undefined)],
    },
  ])("accepts $title", async ({ marks }) => {
    await expect(checkMarks(marks)).resolves.toBeUndefined();
  });

  it.each([
    {
      title: "an emptied table of events",
      marks: [table("events", "events-id", undefined), LEDGER],
      message:
        "table events is empty though table ledger belongs to a deployment; restore it by `auditlog rebuild`",
    },
    {
      title: "an emptied ledger",
      marks: [EVENTS, table("ledger", "ledger-id", undefined)],
      message:
        "table ledger is empty though table events belongs to a deployment; restore it by `auditlog rebuild`",
    },
    {
      title: "a table of events restored from a backup",
      marks: [table("events", "other-id", EVENTS_MARK), LEDGER],
      message: "table events is a copy, ",
    },
    {
      title: "a ledger restored from a backup",
      marks: [EVENTS, table("ledger", "other-id", LEDGER_MARK)],
      message: "table ledger is a copy, ",
    },
    {
      title: "tables of two deployments",
      marks: [EVENTS, table("ledger", "ledger-id", { ...LEDGER_MARK, incarnation: "two" })],
      message: "table ledger belongs to deployment two, table events to one; ",
    },
  ])("refuses $title, by name and with the way out", async ({ marks, message }) => {
    await expect(checkMarks(marks)).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: false,
      message: expect.stringMatching(new RegExp(`^${message}.*\`auditlog rebuild\`$|^${message}$`)),
    });
  });
});
