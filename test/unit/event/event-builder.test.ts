// The fluent builder: what it sets, that it never changes, and that each wrong value is refused where it is given.
import { describe, expect, it } from "vitest";
import { AuditEventBuilder } from "#event/event-builder.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { AuditValidationError } from "#lib/errors.ts";

const base = new AuditEventBuilder().action("user_login").service("shop");

function refusal(build: () => unknown): AuditValidationError {
  try {
    build();
  } catch (error) {
    if (error instanceof AuditValidationError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("AuditEventBuilder", () => {
  it("builds a plain draft of what was given, and nothing else", () => {
    expect(base.build()).toEqual({ action: "user_login", service_name: "shop" });
  });

  it("covers every field of the event model", () => {
    const draft = base
      .id("e-1")
      .tenant("acme")
      .timestamp("2026-01-31T09:30:00.123Z")
      .level("warning")
      .category("security")
      .user("alice")
      .session("s-1")
      .request("r-1")
      .resource("invoice", "42")
      .message("hello")
      .metadata({ a: 1 })
      .error("E_X", "it broke", "at line 1")
      .duration(1.5)
      .sourceIp("192.0.2.1")
      .userAgent("curl/8")
      .trace("a".repeat(32), "b".repeat(16))
      .onBehalfOf("job", "nightly")
      .onBehalfOf("user", "root")
      .change("/name", { before: null, after: "x" })
      .change("/tags/0", { after: ["y"] })
      .build();

    expect(draft).toEqual({
      event_id: "e-1",
      tenant_id: "acme",
      timestamp: "2026-01-31T09:30:00.123Z",
      level: "WARN",
      category: "SECURITY",
      action: "user_login",
      service_name: "shop",
      user_id: "alice",
      session_id: "s-1",
      request_id: "r-1",
      resource_type: "invoice",
      resource_id: "42",
      message: "hello",
      metadata: { a: 1 },
      error_code: "E_X",
      error_message: "it broke",
      stack_trace: "at line 1",
      duration_ms: 1.5,
      source_ip: "192.0.2.1",
      user_agent: "curl/8",
      trace_id: "a".repeat(32),
      span_id: "b".repeat(16),
      on_behalf_of: [
        { type: "job", id: "nightly" },
        { type: "user", id: "root" },
      ],
      changes: [
        { path: "/name", before: null, after: "x" },
        { path: "/tags/0", after: ["y"] },
      ],
    });
  });

  it("builds drafts that the service accepts", () => {
    const draft = base
      .error("E", "m")
      .metadata({ a: [1, { b: null }] })
      .change("", { after: 1 })
      .build();

    const stamp = {
      receivedAtMs: 0,
      receivedAt: "1970-01-01T00:00:00.000Z",
      keyTenant: undefined,
      newEventId: () => "e",
      newSalt: () => "s",
    };
    expect(prepareEvent(draft, stamp)).toMatchObject({ kind: "prepared" });
  });

  it("never changes a builder, so that one can be shared", () => {
    const first = base.user("alice").metadata({ a: 1 });
    const second = first.user("bob").metadata({ b: 2 }).onBehalfOf("job", "1").error("E", "m");

    expect(first.build()).toEqual({
      action: "user_login",
      service_name: "shop",
      user_id: "alice",
      metadata: { a: 1 },
    });
    expect(second.build().metadata).toEqual({ a: 1, b: 2 });
  });

  it("copies values at the call: what the caller changes later does not reach the event", () => {
    const metadata = { list: [1], nested: { a: 1 } };
    const after = { city: "Rome" };
    const builder = base.metadata(metadata).change("/address", { after });
    metadata.list.push(2);
    metadata.nested.a = 2;
    after.city = "Oslo";

    const draft = builder.build();
    expect(draft.metadata).toEqual({ list: [1], nested: { a: 1 } });
    expect(draft.changes).toEqual([{ path: "/address", after: { city: "Rome" } }]);
  });

  it("hands out drafts that are the caller's own", () => {
    const builder = base.metadata({ list: [1] });
    const draft = builder.build();
    const metadata = draft.metadata as { list: number[] };
    metadata.list.push(2);

    expect(builder.build().metadata).toEqual({ list: [1] });
  });

  it("keeps a metadata member called __proto__ as data", () => {
    const metadata: unknown = JSON.parse('{"__proto__":{"admin":true}}');
    const draft = base.metadata(metadata as Record<string, unknown>).build();

    expect(Object.keys(draft.metadata ?? {})).toEqual(["__proto__"]);
  });

  it("sets ERROR and ERROR_EVENT with an error", () => {
    expect(base.error("E", "m").build()).toMatchObject({ level: "ERROR", category: "ERROR_EVENT" });
  });

  it("keeps level and category that were given before the error", () => {
    const draft = base.level("CRITICAL").category("SECURITY").error("E", "m").build();

    expect(draft).toMatchObject({ level: "CRITICAL", category: "SECURITY" });
  });

  it("keeps level and category that were given after the error", () => {
    const draft = base.error("E", "m").level("warn").category("performance").build();

    expect(draft).toMatchObject({ level: "WARN", category: "PERFORMANCE" });
  });

  it("takes a Date as a timestamp", () => {
    expect(base.timestamp(new Date(0)).build().timestamp).toBe("1970-01-01T00:00:00.000Z");
  });

  it("names every missing field at once", () => {
    const error = refusal(() => new AuditEventBuilder().build());

    expect(error.code).toBe("validation-failed");
    expect(error.errors.map(({ path }) => path)).toEqual(["/action", "/service_name"]);
    expect(error.message).toContain("action");
  });

  it("uses a default service only where none is given", () => {
    const builder = new AuditEventBuilder({ defaultService: "billing" }).action("a");

    expect(builder.build().service_name).toBe("billing");
    expect(builder.withDefaultService("other").build().service_name).toBe("other");
    expect(builder.service("shop").withDefaultService("other").build().service_name).toBe("shop");
  });

  it.each([
    ["/action", () => base.action(" ")],
    ["/service_name", () => base.service("")],
    ["/service_name", () => new AuditEventBuilder({ defaultService: " " })],
    ["/user_id", () => base.user("\t")],
    ["/session_id", () => base.session("")],
    ["/request_id", () => base.request("")],
    ["/resource_type", () => base.resource("", "x")],
    ["/resource_id", () => base.resource("x", " ")],
    ["/message", () => base.message("")],
    ["/error_code", () => base.error("", "m")],
    ["/error_message", () => base.error("E", " ")],
    ["/stack_trace", () => base.error("E", "m", "")],
    ["/event_id", () => base.id("")],
    ["/tenant_id", () => base.tenant("")],
    ["/source_ip", () => base.sourceIp("")],
    ["/user_agent", () => base.userAgent("")],
    ["/timestamp", () => base.timestamp("")],
  ])("refuses a blank value for %s where it is given", (path, build) => {
    const error = refusal(build);

    expect(error.errors).toEqual([{ path, message: "is blank" }]);
    expect(error.message).toBe(`${path.slice(1)} is blank`);
  });

  it.each([
    ["/user_id", () => base.user("x".repeat(257))],
    ["/user_id", () => base.user("\ud800")],
    ["/action", () => base.action("a\0b")],
    ["/level", () => base.level("LOUD" as "INFO")],
    ["/category", () => base.category("MISC" as "SECURITY")],
    ["/duration_ms", () => base.duration(-1)],
    ["/duration_ms", () => base.duration(Number.NaN)],
    ["/duration_ms", () => base.duration(Number.POSITIVE_INFINITY)],
    ["/timestamp", () => base.timestamp("2026-01-31 09:30")],
    ["/timestamp", () => base.timestamp(new Date(Number.NaN))],
    ["/event_id", () => base.id("batch")],
    ["/event_id", () => base.id("a/b")],
    ["/tenant_id", () => base.tenant("_internal")],
    ["/trace_id", () => base.trace("xyz")],
    ["/span_id", () => base.trace("a".repeat(32), "xyz")],
    ["/on_behalf_of/0/id", () => base.onBehalfOf("job", "")],
    ["/changes/0/path", () => base.change("no-pointer", { after: 1 })],
    ["/changes/0/after", () => base.change("/x", { after: () => 1 })],
    ["/metadata", () => base.metadata([] as unknown as Record<string, unknown>)],
    ["/metadata/when", () => base.metadata({ when: new Date(0) })],
    ["/metadata/gone", () => base.metadata({ gone: undefined })],
    ["/metadata/big", () => base.metadata({ big: 2 ** 53 })],
    ["/metadata/bad", () => base.metadata({ bad: "\udc00" })],
    ["/metadata", () => base.metadata({ text: "x".repeat(50_000) })],
    ["/metadata", () => base.metadata({ a: "x".repeat(30_000) }).metadata({ b: "x".repeat(30_000) })],
  ])("refuses what does not fit %s where it is given", (path, build) => {
    expect(refusal(build).errors.map((error) => error.path)).toEqual([path]);
  });
});
