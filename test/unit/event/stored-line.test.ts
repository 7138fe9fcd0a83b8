// The stored line: golden vectors of format version 1, and that reading it by cutting equals reading it by parsing.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { prepareEvent } from "#event/prepare-event.ts";
import { decodeLine, publicJson, readEvent } from "#event/stored-line.ts";
import { accepted, STAMP } from "#test/support/event-fixtures.ts";
import { canonical, oracleDecode, oracleLine } from "#test/support/line-oracle.ts";

interface Vector {
  readonly name: string;
  readonly stamp: {
    readonly received_at: string;
    readonly key_tenant?: string;
    readonly event_id: string;
    readonly salt: string;
  };
  readonly input: Record<string, unknown>;
  readonly line: string;
  readonly content_hash: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../vectors/stored-line-v1.json", import.meta.url), "utf8"),
) as Vector[];

/** Text that reads like the places where a line is cut. */
const LOOKALIKES = [
  ',"received_at":"',
  ',"received_at":"2020-01-01T00:00:00.000Z","request_id":"x"',
  ',"timestamp":"2020-01-01T00:00:00Z"',
  "\\",
  '\\",\\"received_at\\":\\"',
  '"',
  '"}',
  '{"_defaulted":["timestamp"],"_salt":"","_v":1,',
  ",",
  "received_at",
];

describe("the vectors of format version 1", () => {
  it("are all there", () => {
    expect(vectors.map(({ name }) => name)).toHaveLength(20);
  });

  it.each(vectors)("are what is stored: $name", ({ input, stamp, line, content_hash }) => {
    const preparation = prepareEvent(input, {
      receivedAtMs: Date.parse(stamp.received_at),
      receivedAt: stamp.received_at,
      keyTenant: stamp.key_tenant,
      newEventId: () => stamp.event_id,
      newSalt: () => stamp.salt,
    });

    expect(preparation).toMatchObject({ line: { text: line, contentHash: content_hash } });
  });

  it.each(vectors)("are what is read back: $name", ({ line, content_hash }) => {
    expect(decodeLine(line).contentHash).toBe(content_hash);
  });

  it.each(vectors)("are what others compute: $name", ({ input, stamp, line, content_hash }) => {
    const oracle = oracleLine(input, {
      receivedAt: stamp.received_at,
      keyTenant: stamp.key_tenant,
      eventId: stamp.event_id,
      salt: stamp.salt,
    });

    expect(oracle).toEqual({ line, contentHash: content_hash });
  });

  it.each(vectors)("are canonical: $name", ({ line }) => {
    expect(canonical(JSON.parse(line))).toBe(line);
  });
});

describe("content hash", () => {
  it("is the same when an event without timestamp is sent again later", () => {
    const later = { ...STAMP, receivedAtMs: STAMP.receivedAtMs + 5, receivedAt: "2026-03-01T12:00:00.005Z" };

    expect(accepted({ event_id: "e" }, later).contentHash).toBe(accepted({ event_id: "e" }).contentHash);
  });

  it("is the same whatever the salt", () => {
    const salted = { ...STAMP, newSalt: () => "_-_-_-_-_-_-_-_-_-_-_-" };

    expect(accepted({}, salted).contentHash).toBe(accepted({}).contentHash);
  });

  it("differs between a timestamp that was sent and the same one filled in", () => {
    expect(accepted({ timestamp: STAMP.receivedAt }).contentHash).not.toBe(accepted({}).contentHash);
  });

  it("is the same whether defaults were sent or filled in", () => {
    const sent = { level: "INFO", category: "SYSTEM_EVENT", metadata: {}, tenant_id: "default" };

    expect(accepted(sent).contentHash).toBe(accepted({}).contentHash);
  });

  it("does not depend on the order of members", () => {
    const one = accepted({ user_id: "u", metadata: { a: 1, b: { c: 1, d: 2 } } });
    const other = accepted({ metadata: { b: { d: 2, c: 1 }, a: 1 }, user_id: "u" });

    expect(other.text).toBe(one.text);
  });

  it.each([
    ["event_id", "other"],
    ["tenant_id", "other"],
    ["level", "ERROR"],
    ["category", "SECURITY"],
    ["action", "other"],
    ["service_name", "other"],
    ["user_id", "u"],
    ["message", "m"],
    ["metadata", { a: 1 }],
    ["changes", []],
    ["on_behalf_of", []],
    ["duration_ms", 0],
    ["trace_id", "a".repeat(32)],
  ])("covers %s", (field, value) => {
    expect(accepted({ [field]: value }).contentHash).not.toBe(accepted({}).contentHash);
  });
});

describe("decodeLine", () => {
  const everywhere = (text: string): Record<string, unknown> => ({
    action: `a${text}a`,
    service_name: `s${text}s`,
    user_id: text,
    user_agent: text,
    source_ip: text.slice(0, 64),
    session_id: text,
    request_id: text,
    resource_id: text,
    resource_type: text,
    stack_trace: text,
    error_code: text,
    error_message: text,
    message: text,
    metadata: { [text]: text, received_at: text, timestamp: text, list: [text, { timestamp: text }] },
    changes: [{ path: "/received_at", before: { [text]: text }, after: text }],
    on_behalf_of: [{ type: text, id: text }],
  });

  it.each(LOOKALIKES)("is not misled by %s in any value", (text) => {
    const { text: line, contentHash } = accepted(everywhere(text));
    const oracle = oracleDecode(line);

    const decoded = decodeLine(line);

    expect(decoded.contentHash).toBe(oracle.contentHash);
    expect(decoded.contentHash).toBe(contentHash);
    expect(JSON.parse(decoded.json)).toEqual({ content_hash: contentHash, ...oracle.event });
  });

  it.each(LOOKALIKES)("is not misled by %s where the timestamp was sent", (text) => {
    const { text: line, contentHash } = accepted({ ...everywhere(text), timestamp: "2026-01-01T00:00:00Z" });

    expect(decodeLine(line).contentHash).toBe(contentHash);
    expect(oracleDecode(line).contentHash).toBe(contentHash);
  });

  it("answers the content hash first, then the members as they stand in the line", () => {
    const { text, contentHash } = accepted({ user_id: "u" });

    expect(decodeLine(text).json).toBe(
      `{"content_hash":"${contentHash}",${text.slice(text.indexOf('"action"'))}`,
    );
  });

  it("shows no member that begins with _", () => {
    const names = Object.keys(JSON.parse(decodeLine(accepted({}).text).json));

    expect(names.filter((name) => name.startsWith("_"))).toEqual([]);
  });

  it.each([
    "",
    "{}",
    '{"action":"a"}',
    accepted({}).text.replace('"_v":1', '"_v":2'),
    accepted({}).text.replace('"received_at"', '"received"'),
    ` ${accepted({}).text}`,
  ])("refuses what is no line of version 1: %s", (text) => {
    expect(() => decodeLine(text)).toThrow(RangeError);
  });
});

describe("publicJson", () => {
  it("answers the same as decodeLine", () => {
    const line = accepted({ message: "$& $1 $` $'" });

    expect(publicJson(line)).toBe(decodeLine(line.text).json);
  });
});

describe("readEvent", () => {
  it("answers the event with its content hash as a value", () => {
    const { text, contentHash } = accepted({ user_id: "u" });

    expect(readEvent(decodeLine(text).json)).toMatchObject({ content_hash: contentHash, user_id: "u" });
  });
});
