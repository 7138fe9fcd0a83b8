// Compiled filters: exact values, messages in lower case, damaged lines.
import { describe, expect, it } from "vitest";

import { compileFilter } from "#query/filter.ts";
import { readEvent } from "#event/stored-line.ts";
import { accepted } from "#test/support/event-fixtures.ts";

const event = {
  service_name: "auth",
  user_id: "u",
  level: "WARN",
  category: "SECURITY",
  action: "login",
  resource_type: "account",
  resource_id: "r",
  request_id: "q",
  session_id: "s",
  error_code: "e",
  trace_id: "t",
  message: "Straße gesperrt: ÄPFEL",
};

const FILTERS = [
  ["service_names", "service_name"],
  ["user_ids", "user_id"],
  ["levels", "level"],
  ["categories", "category"],
  ["actions", "action"],
  ["resource_types", "resource_type"],
  ["resource_ids", "resource_id"],
  ["request_ids", "request_id"],
  ["session_ids", "session_id"],
  ["error_codes", "error_code"],
  ["trace_ids", "trace_id"],
] as const;

describe("compileFilter", () => {
  it("matches everything without filters", () => {
    expect(compileFilter({})({})).toBe(true);
  });

  it.each(FILTERS)("compares %s with %s", (filter, member) => {
    expect(compileFilter({ [filter]: [event[member]] })(event)).toBe(true);
    expect(compileFilter({ [filter]: ["other"] })(event)).toBe(false);
    expect(compileFilter({ [filter]: ["other", event[member]] })(event)).toBe(true);
    expect(compileFilter({ [filter]: ["other", "more"] })(event)).toBe(false);
  });

  it.each(FILTERS)("by %s does not match an event without %s", (filter, member) => {
    const { [member]: _, ...without } = event;

    expect(compileFilter({ [filter]: [event[member]] })(without)).toBe(false);
    expect(compileFilter({ [filter]: ["undefined", "null"] })(without)).toBe(false);
  });

  it("distinguishes case in values", () => {
    expect(compileFilter({ user_ids: ["U"] })(event)).toBe(false);
  });

  it("wants every filter to match", () => {
    expect(compileFilter({ user_ids: ["u"], actions: ["login"], levels: ["WARN"] })(event)).toBe(true);
    expect(compileFilter({ user_ids: ["u"], actions: ["logout"], levels: ["WARN"] })(event)).toBe(false);
    expect(compileFilter({ user_ids: ["u"], message_contains: "nowhere" })(event)).toBe(false);
  });

  it.each(["straße", "äpfel", "e g", ": "])("finds %j in the message in any case", (part) => {
    expect(compileFilter({ message_contains: part })(event)).toBe(true);
  });

  it("folds no further than toLowerCase does", () => {
    expect(compileFilter({ message_contains: "strasse" })(event)).toBe(false);
  });

  it.each([undefined, null, 5, ["straße"], { includes: true }])(
    "takes a damaged message for no match: %j",
    (message) => {
      expect(compileFilter({ message_contains: "straße" })({ ...event, message })).toBe(false);
    },
  );

  it.each([undefined, null, 5, ["u"], {}])("takes a damaged member for no match: %j", (user_id) => {
    expect(compileFilter({ user_ids: ["u"] })({ ...event, user_id })).toBe(false);
    expect(compileFilter({ user_ids: ["u", "v"] })({ ...event, user_id })).toBe(false);
  });

  it("matches an event read from its line", () => {
    const stored = readEvent(accepted({ level: "warning", message: "Hello" }).text);

    expect(compileFilter({ levels: ["WARN"], message_contains: "hello" })(stored)).toBe(true);
  });
});
