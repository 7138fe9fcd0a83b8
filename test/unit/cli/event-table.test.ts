// Events as a table: aligned, cut to the terminal, coloured by level only where asked.
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { createEventTable } from "#cli/event-table.ts";
import type { StoredAuditEvent } from "#event/audit-event.ts";

function event(members: Partial<StoredAuditEvent> = {}): StoredAuditEvent {
  return {
    event_id: "e",
    tenant_id: "default",
    timestamp: "2026-01-31T09:30:00Z",
    received_at: "2026-01-31T09:30:00.000Z",
    content_hash: "0".repeat(64),
    level: "INFO",
    category: "SYSTEM_EVENT",
    action: "login",
    service_name: "shop",
    message: "",
    metadata: {},
    ...members,
  };
}

describe("createEventTable", () => {
  it("aligns columns, with the titles once", () => {
    const table = createEventTable({ columns: undefined, hasColor: false });

    const first = table.rows([event(), event({ action: "logout", user_id: "alice", message: "bye" })]);
    const second = table.rows([event({ resource_type: "door", resource_id: "7" })]);

    expect(first.split("\n")).toEqual([
      "TIME                  LEVEL  SERVICE  ACTION  USER   RESOURCE  MESSAGE",
      "2026-01-31T09:30:00Z  INFO   shop     login",
      "2026-01-31T09:30:00Z  INFO   shop     logout  alice            bye",
      "",
    ]);
    expect(second).toBe("2026-01-31T09:30:00Z  INFO   shop     login          door/7\n");
  });

  it("cuts nothing where nothing bounds it", () => {
    const table = createEventTable({ columns: undefined, hasColor: false });

    expect(table.rows([event({ user_id: "u".repeat(200) })])).toContain("u".repeat(200));
  });

  it.each([80, 100, 140])("fits %i columns, without cutting time and level", (columns) => {
    const table = createEventTable({ columns, hasColor: true });
    const long = event({
      level: "CRITICAL",
      service_name: "s".repeat(100),
      user_id: "arn:aws:iam::111122223333:user/alice",
      message: "日本語".repeat(50),
    });

    const [title = "", row = ""] = stripVTControlCharacters(table.rows([long])).split("\n");

    expect(title.length).toBeLessThanOrEqual(columns);
    expect(row).toMatch(/^2026-01-31T09:30:00Z {2}CRITICAL {2}s+… /);
    expect(row).toMatch(/…\S*alice /);
  });

  it("colours by level, and only where asked", () => {
    const plain = createEventTable({ columns: 100, hasColor: false }).rows([event({ level: "ERROR" })]);
    const colored = createEventTable({ columns: 100, hasColor: true }).rows([event({ level: "ERROR" })]);

    expect(plain).not.toContain("\u001b");
    expect(colored).toContain("\u001b[31mERROR\u001b[0m");
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });
});
