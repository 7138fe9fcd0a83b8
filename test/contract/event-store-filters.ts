// Contract of EventStore, part: every filter of a query, alone and together with others.
import { describe, expect, it } from "vitest";

import type { StoreSubject } from "#test/contract/subjects.ts";
import { findIds, freshTenant, sampleLine } from "#test/contract/sample-lines.ts";

const HEX = "0123456789abcdef0123456789abcde";

/** Each filter with the member that it looks at and two values of it. */
const FILTERS = [
  { filter: "service_names", member: "service_name", one: "shop", two: "bank" },
  { filter: "user_ids", member: "user_id", one: "ann", two: "bob" },
  { filter: "levels", member: "level", one: "ERROR", two: "DEBUG" },
  { filter: "categories", member: "category", one: "SECURITY", two: "API_REQUEST" },
  { filter: "actions", member: "action", one: "read", two: "write" },
  { filter: "resource_types", member: "resource_type", one: "file", two: "row" },
  { filter: "resource_ids", member: "resource_id", one: "/a", two: "/b" },
  { filter: "request_ids", member: "request_id", one: "r-1", two: "r-2" },
  { filter: "session_ids", member: "session_id", one: "s-1", two: "s-2" },
  { filter: "error_codes", member: "error_code", one: "E1", two: "E2" },
  { filter: "trace_ids", member: "trace_id", one: `${HEX}1`, two: `${HEX}2` },
] as const;

/** Members that every event has. */
const REQUIRED: ReadonlySet<string> = new Set(["service_name", "action", "level", "category"]);

export function filterContract(subject: StoreSubject): void {
  describe("filters", () => {
    it.each(FILTERS)("$filter finds one value, and either of two", async ({ filter, member, one, two }) => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const plain = REQUIRED.has(member) ? {} : { none: {} };
      const events = {
        first: { [member]: one },
        second: { [member]: two },
        third: { [member]: one },
        ...plain,
      };
      await put(
        Object.entries(events).map(([id, members]) =>
          sampleLine({ tenant_id: tenantId, event_id: id, ...members }),
        ),
      );
      const find = async (...values: readonly string[]): Promise<readonly string[]> =>
        (await findIds(store, tenantId, { [filter]: values })).toSorted();

      expect(await find(one)).toEqual(["first", "third"]);
      expect(await find(two)).toEqual(["second"]);
      expect(await find(two, one, one)).toEqual(["first", "second", "third"]);
    });

    it.each(FILTERS.filter(({ filter }) => filter !== "levels" && filter !== "categories"))(
      "$filter compares values exactly",
      async ({ filter, member, one }) => {
        const { store, put } = subject();
        const tenantId = freshTenant();
        await put([sampleLine({ tenant_id: tenantId, event_id: "it", [member]: one })]);
        const absent = filter === "trace_ids" ? `${HEX}f` : one.slice(0, 1);

        expect(await findIds(store, tenantId, { [filter]: [absent] })).toEqual([]);
      },
    );

    it("message_contains finds a part of the message in any case", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const messages = {
        a: "Login FAILED for Ann",
        b: "login failed",
        c: "failure",
        d: "",
        e: "ÄRGER failed?",
      };
      await put(
        Object.entries(messages).map(([id, message]) =>
          sampleLine({ tenant_id: tenantId, event_id: id, message }),
        ),
      );
      const find = async (part: string): Promise<readonly string[]> =>
        (await findIds(store, tenantId, { message_contains: part })).toSorted();

      expect(await find("failed")).toEqual(["a", "b", "e"]);
      expect(await find("Login Failed")).toEqual(["a", "b"]);
      expect(await find("ärger")).toEqual(["e"]);
      expect(await find("absent")).toEqual([]);
    });

    it("finds text in the message alone, not in other members", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put([sampleLine({ tenant_id: tenantId, event_id: "it", metadata: { message: "needle" } })]);

      expect(await findIds(store, tenantId, { message_contains: "needle" })).toEqual([]);
    });

    it("different filters all have to match", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const events = {
        hit: { user_id: "ann", resource_id: "/a", level: "ERROR", message: "x" },
        "other-user": { user_id: "bob", resource_id: "/a", level: "ERROR", message: "x" },
        "other-resource": { user_id: "ann", resource_id: "/b", level: "ERROR", message: "x" },
        "other-level": { user_id: "ann", resource_id: "/a", level: "INFO", message: "x" },
        "other-message": { user_id: "ann", resource_id: "/a", level: "ERROR", message: "y" },
      };
      await put(
        Object.entries(events).map(([id, members]) =>
          sampleLine({ tenant_id: tenantId, event_id: id, ...members }),
        ),
      );

      const query = {
        user_ids: ["ann", "carl"],
        resource_ids: ["/a"],
        levels: ["ERROR", "CRITICAL"],
        service_names: ["shop"],
        message_contains: "x",
      };
      expect(await findIds(store, tenantId, query)).toEqual(["hit"]);
    });

    it("a filter keeps order and bounds of time", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = Array.from({ length: 30 }, (_, index) =>
        sampleLine({
          tenant_id: tenantId,
          event_id: `e-${String(index).padStart(2, "0")}`,
          timestamp: new Date(
            Date.parse("2026-02-01T00:00:00Z") + Math.floor(index / 3) * 1000,
          ).toISOString(),
          user_id: index % 2 === 0 ? "ann" : "bob",
        }),
      );
      await put(lines.toReversed());
      const query = {
        user_ids: ["ann"],
        start_time: "2026-02-01T00:00:02Z",
        end_time: "2026-02-01T00:00:04Z",
      };

      expect(await findIds(store, tenantId, { ...query, order_desc: false })).toEqual([
        "e-06",
        "e-08",
        "e-10",
        "e-12",
        "e-14",
      ]);
    });
  });
}
