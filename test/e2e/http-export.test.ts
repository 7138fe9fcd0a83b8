// Exports over HTTP: formats, chunks that joined are one file, and cells that no spreadsheet runs.
import { describe, expect, it } from "vitest";
import type { Answer, TestService } from "#test/support/http-service.ts";
import { ask, followLinks, LOGIN, post, startService } from "#test/support/http-service.ts";

const COLUMNS =
  "event_id,timestamp,level,category,action,service_name,user_id,session_id,request_id,resource_type,resource_id," +
  "message,metadata,error_code,error_message,stack_trace,duration_ms,tenant_id,received_at,source_ip,user_agent," +
  "trace_id,span_id,on_behalf_of,changes,content_hash";
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

describe("GET /events/export", () => {
  it("answers JSON Lines, each an event as GET gives it", async () => {
    const service = await withEvents([{ event_id: "a" }, { event_id: "b" }]);

    const exported = await ask(service, "/events/export?order_desc=false");

    const [a, b] = [await ask(service, "/events/a"), await ask(service, "/events/b")];
    expect(exported.text).toBe(`${a.text}\n${b.text}\n`);
    expect(exported.headers.get("content-type")).toBe("application/jsonl");
  });

  it("answers CSV with the columns of the contract in their order", async () => {
    const service = await withEvents([
      { event_id: "a", message: 'say "hi", twice', metadata: { n: 1 }, duration_ms: 2.5 },
    ]);

    const { text, headers } = await ask(service, "/events/export?format=csv");

    const [header, row, end] = text.split("\r\n");
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(header).toBe(COLUMNS);
    expect(row).toMatch(
      /^a,2026-03-01T12:00:00Z,INFO,SYSTEM_EVENT,user_login,auth,,,,,,"say ""hi"", twice","\{""n"":1\}",,,,2\.5,default,/,
    );
    expect(end).toBe("");
  });

  it("answers a CSV of the header alone where nothing matches", async () => {
    const service = await startService();

    expect((await ask(service, "/events/export?format=csv")).text).toBe(`${COLUMNS}\r\n`);
    expect((await ask(service, "/events/export")).text).toBe("");
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("disarms the cell %j", async (message) => {
    const service = await withEvents([{ message }]);

    const { text } = await ask(service, "/events/export?format=csv");

    expect(text).toContain(message.includes("\r") ? `"'${message}"` : `,'${message},`);
  });

  it("joins chunks of at most 4 MiB to one file, in both formats", async () => {
    const stack_trace = 'x"'.repeat(24_000);
    const service = await withEvents(
      Array.from({ length: 130 }, (_, index) => ({ event_id: `e${index}`, stack_trace })),
    );

    const jsonl = await followLinks(service, "/events/export");
    const csv = await followLinks(service, "/events/export?format=csv");

    expect(jsonl.length).toBeGreaterThan(1);
    expect(
      [...jsonl, ...csv]
        .map(({ text }) => Buffer.byteLength(text))
        .filter((bytes) => bytes > MAX_CHUNK_BYTES),
    ).toEqual([]);
    const ids = joined(jsonl)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event_id);
    expect(new Set(ids).size).toBe(130);
    expect(ids).toHaveLength(130);
    expect(joined(csv).trim().split("\r\n")).toHaveLength(131);
    expect(joined(csv).lastIndexOf(COLUMNS)).toBe(0);
  });

  it("takes the filters of a query, and limit for the events of a chunk", async () => {
    const service = await withEvents([{ user_id: "a" }, { user_id: "b" }, { user_id: "a" }]);

    const chunks = await followLinks(service, "/events/export?user_ids=a&limit=1");

    expect(chunks.map(({ text }) => text.split("\n").length - 1)).toEqual([1, 1]);
  });

  it.each([
    "format=xml",
    "format=csv&format=csv",
    "offset=5",
    "include_total=true",
    "explain=true",
    "user=a",
  ])("refuses ?%s", async (query) => {
    const service = await startService();

    const refused = await ask(service, `/events/export?${query}`);

    expect(refused.status).toBe(400);
    expect(refused.json.code).toBe("validation-failed");
  });
});

async function withEvents(members: readonly object[]): Promise<TestService> {
  const service = await startService();
  for (let at = 0; at < members.length; at += 25) {
    await post(service, "/events/batch", {
      events: members.slice(at, at + 25).map((own) => ({ ...LOGIN, ...own })),
    });
  }
  return service;
}

function joined(chunks: readonly Answer[]): string {
  return chunks.map(({ text }) => text).join("");
}
