// Lines of files: of the original service, exports, and stored lines; ids and times are kept, changes are said.
import { describe, expect, it } from "vitest";
import { convertLine } from "#event/original.ts";
import { prepareEvent } from "#event/prepare-event.ts";

const stamp = {
  receivedAtMs: Date.UTC(2026, 0, 1),
  receivedAt: "2026-01-01T00:00:00.000Z",
  keyTenant: undefined,
  newEventId: () => "minted",
  newSalt: () => "salt",
};

/** A line as the original service wrote it: 17 fields. */
const original = {
  event_id: "0b6c1f4e-8c3a-4f0e-9f57-2f8f2f1a7a11",
  timestamp: "2024-05-01T10:00:00.123456+02:00",
  level: "info",
  category: "user_action",
  action: "login",
  service_name: "auth",
  user_id: "alice",
  session_id: null,
  request_id: null,
  resource_type: null,
  resource_id: null,
  message: "User logged in",
  metadata: { ip: "192.0.2.1" },
  error_code: null,
  error_message: null,
  stack_trace: null,
  duration_ms: null,
};

describe("convertLine", () => {
  it("takes a line of the original: id and time kept, null absent", () => {
    const { draft, notes } = convertLine(original);

    expect(notes).toEqual([]);
    expect(draft).toEqual({
      event_id: original.event_id,
      timestamp: original.timestamp,
      level: "info",
      category: "user_action",
      action: "login",
      service_name: "auth",
      user_id: "alice",
      message: "User logged in",
      metadata: { ip: "192.0.2.1" },
    });
    expect(prepareEvent(draft, stamp)).toMatchObject({
      kind: "prepared",
      line: { event: { level: "INFO", category: "USER_ACTION", timestamp: original.timestamp } },
    });
  });

  it.each([
    ["2024-05-01T10:00:00.123456", "2024-05-01T10:00:00.123456Z"],
    ["2024-05-01T10:00:00", "2024-05-01T10:00:00Z"],
  ])("takes %s, which has no zone, as UTC and says so", (timestamp, kept) => {
    const { draft, notes } = convertLine({ ...original, timestamp });

    expect(draft).toMatchObject({ timestamp: kept });
    expect(notes).toEqual(["zone-assumed-utc"]);
  });

  it("takes an export of this service and says what it leaves out", () => {
    const { draft, notes } = convertLine({
      content_hash: "ab",
      action: "a",
      received_at: "2026-01-01T00:00:00.000Z",
      conflicts: ["x"],
    });

    expect(draft).toEqual({ action: "a" });
    expect(notes).toEqual(["service-members-dropped"]);
  });

  it("takes a stored line back to the event it holds", () => {
    const event = { action: "a", service_name: "s", event_id: "e", metadata: { _kept: 1 } };
    const first = prepareEvent(event, stamp);
    const line: unknown = first.kind === "prepared" ? JSON.parse(first.line.text) : undefined;

    const { draft, notes } = convertLine(line);

    expect(draft).toMatchObject({ ...event, timestamp: stamp.receivedAt, tenant_id: "default" });
    expect(notes.toSorted()).toEqual(["internal-members-dropped", "service-members-dropped"]);
    expect(prepareEvent(draft, stamp)).toMatchObject({ kind: "prepared" });
  });

  it.each([["text"], [7], [null], [[1]]])("leaves %o to the service to refuse", (value) => {
    expect(convertLine(value)).toEqual({ draft: value, notes: [] });
  });

  it("keeps unknown members, so that the service refuses them by name", () => {
    const { draft } = convertLine({ ...original, usr_id: "bob" });

    expect(prepareEvent(draft, stamp)).toMatchObject({ kind: "refused", errors: [{ path: "/usr_id" }] });
  });
});
