// Hostile input over raw sockets: each kind costs its sender one clear answer, and the service goes on.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { RawAnswer } from "#test/support/http-service.ts";
import {
  head,
  jsonPost,
  LOGIN,
  post,
  RawClient,
  startService,
  stillWorks,
} from "#test/support/http-service.ts";

const MIB = 1024 * 1024;
const EVENT = JSON.stringify(LOGIN);

describe("a body", () => {
  it.each([
    ["that is no JSON", "{", 400, "malformed-json", undefined],
    ["that is empty", "", 400, "malformed-json", undefined],
    ["with a byte order mark", `\uFEFF${EVENT}`, 400, "malformed-json", undefined],
    ["with a member given twice", `{"action":"a",${EVENT.slice(1)}`, 400, "validation-failed", "/action"],
    [
      "with a nested member given twice",
      withMetadata('{"a":{"b":1,"b":2}}'),
      400,
      "validation-failed",
      "/metadata/a/b",
    ],
    [
      "with an integer beyond 2^53",
      withMetadata('{"n":9007199254740993}'),
      400,
      "validation-failed",
      "/metadata/n",
    ],
    ["with a number that overflows", withMetadata('{"n":1e400}'), 400, "validation-failed", "/metadata/n"],
    [
      "that nests 100,000 deep",
      withMetadata("[".repeat(1e5) + "]".repeat(1e5)),
      400,
      "validation-failed",
      "/metadata/0/0",
    ],
    [
      "with metadata that nests 33 deep",
      withMetadata(`${'{"a":'.repeat(32)}{}${"}".repeat(32)}`),
      400,
      "validation-failed",
      "/metadata",
    ],
    ["with a lone surrogate", withMetadata('{"a":"\\ud800"}'), 400, "validation-failed", "/metadata/a"],
    ["with a NUL", withMetadata('{"a":"\\u0000"}'), 400, "validation-failed", "/metadata/a"],
    ["with an unknown member", withMetadata('{},"mesage":"x"'), 400, "validation-failed", "/mesage"],
    ["that is an array", "[]", 400, "validation-failed", ""],
    ["that is null", "null", 400, "validation-failed", ""],
  ])("%s is answered %s", async (_, body, status, code, path) => {
    const service = await startService();

    const refused = await new RawClient(service.port).send(jsonPost("/events", body)).answer();

    expectProblem(refused, status, code);
    expect(refused.json.errors?.[0].path).toSatisfy(
      (found: string | undefined) => found === path || found?.startsWith(`${path}/`) === true,
    );
    expect(await stillWorks(service)).toBe(true);
  });

  it("that nests a million levels deep within the limit of a batch is answered 400", async () => {
    const service = await startService();

    const refused = await post(service, "/events/batch", `{"events":[${"[".repeat(1e6)}${"]".repeat(1e6)}]}`);

    expect([refused.status, refused.json.code]).toEqual([400, "validation-failed"]);
    expect(await stillWorks(service)).toBe(true);
  });

  it("with one entry that nests 600 levels deep is answered 207, with the others accepted", async () => {
    const service = await startService();
    const deep = withMetadata("[".repeat(600) + "]".repeat(600));

    const taken = await post(service, "/events/batch", `{"events":[${deep},${EVENT}]}`);

    expect([taken.status, taken.json.events_logged]).toEqual([207, 1]);
    expect(taken.json.results).toMatchObject([
      { status: "rejected", code: "validation-failed", errors: [{ path: "/metadata" }] },
      { status: "accepted" },
    ]);
  });

  it.each([
    ["an invalid byte", Buffer.from([0xff])],
    ["an overlong form", Buffer.from([0xc0, 0xaf])],
    ["a surrogate in UTF-8", Buffer.from([0xed, 0xa0, 0x80])],
  ])("with %s is answered 400 malformed-json", async (_, bytes) => {
    const service = await startService();
    const [before, after] = EVENT.split("user_login");
    const body = Buffer.concat([Buffer.from(before ?? ""), bytes, Buffer.from(after ?? "")]);

    const refused = await post(service, "/events", body);

    expect([refused.status, refused.json.code]).toEqual([400, "malformed-json"]);
    expect(await stillWorks(service)).toBe(true);
  });

  it.each([
    ["a bomb", gzipSync(Buffer.alloc(200 * MIB, " "), { level: 9 }), 413, "payload-too-large"],
    ["cut short", gzipSync(EVENT).subarray(0, 20), 400, "malformed-json"],
    ["no gzip", Buffer.from(EVENT), 400, "malformed-json"],
    ["empty", Buffer.alloc(0), 400, "malformed-json"],
    ["of no UTF-8", gzipSync(Buffer.from([0x22, 0xff, 0x22])), 400, "malformed-json"],
  ])("in gzip that is %s is answered %s", async (_, body, status, code) => {
    const service = await startService();

    const refused = await post(service, "/events/batch", body, { "content-encoding": "gzip" });

    expect([refused.status, refused.json.code]).toEqual([status, code]);
    expect(await stillWorks(service)).toBe(true);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonl",
  ])("of type %s is answered 415", async (type) => {
    const service = await startService();

    const refused = await post(service, "/events", EVENT, { "content-type": type });

    expect([refused.status, refused.json.code]).toEqual([415, "unsupported-media-type"]);
    expect(refused.headers.get("accept-encoding")).toBe("gzip");
  });

  it("of no type is answered 415", async () => {
    const service = await startService();
    const request = head("POST /events", { "content-length": EVENT.length }) + EVENT;

    expectProblem(await new RawClient(service.port).send(request).answer(), 415, "unsupported-media-type");
  });

  it.each(["br", "gzip, gzip", "deflate", "zstd"])("in encoding %s is answered 415", async (encoding) => {
    const service = await startService();

    const refused = await post(service, "/events", EVENT, { "content-encoding": encoding });

    expect([refused.status, refused.json.code]).toEqual([415, "unsupported-media-type"]);
  });

  it("that says it is too large is refused before it is sent", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    client.send(head("POST /events", { "content-type": "application/json", "content-length": 50 * MIB }));

    const refused = await client.answer();
    expectProblem(refused, 413, "payload-too-large");
    expect(refused.headers.get("connection")).toBe("close");
    client.socket.end();
    expect(await client.closed()).toBe("");
    expect(await stillWorks(service)).toBe(true);
  });

  it("of 12 MB sent whole before reading is answered 413 all the same", async () => {
    const service = await startService();
    const client = new RawClient(service.port);
    const bytes = 12 * MIB;

    client.send(head("POST /events", { "content-type": "application/json", "content-length": bytes }));
    client.send(Buffer.alloc(bytes, "x"));

    expectProblem(await client.answer(), 413, "payload-too-large");
    expect(await client.closed()).toBe("");
    expect(await stillWorks(service)).toBe(true);
  });

  it("in chunks that never end is answered 413 at the limit", async () => {
    const service = await startService();
    const client = new RawClient(service.port);
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;

    client.send(head("POST /events", { "content-type": "application/json", "transfer-encoding": "chunked" }));
    client.send(chunk.repeat(20));

    expectProblem(await client.answer(), 413, "payload-too-large");
    expect(await stillWorks(service)).toBe(true);
  });

  it("on a route that takes none is not waited for", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    client.send(head("GET /events", { "content-length": 50 * MIB }));

    const answer = await client.answer();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("connection")).toBe("close");
  });

  it("is waited for only where it can fit, where the client expects 100 Continue", async () => {
    const service = await startService();
    const expecting = { "content-type": "application/json", expect: "100-continue" };
    const fitting = new RawClient(service.port);
    const tooLarge = new RawClient(service.port);

    fitting.send(head("POST /events", { ...expecting, "content-length": EVENT.length }));
    tooLarge.send(head("POST /events", { ...expecting, "content-length": 2 * MIB }));

    expect((await fitting.answer()).status).toBe(100);
    expect((await fitting.send(EVENT).answer()).status).toBe(202);
    expectProblem(await tooLarge.answer(), 413, "payload-too-large");
  });
});

describe("a request that is no HTTP", () => {
  it.each([
    ["garbage", "\u0016\u0003\u0001 hello\r\n\r\n"],
    ["an unknown method", head("BREW /events")],
    ["a wrong version", "GET /events HTTP/9.9\r\nhost: localhost\r\n\r\n"],
    ["a header without a name", head("GET /events", { "": "x" })],
    ["two lengths", head("POST /events", { "content-length": "3", "Content-Length": "4" })],
    ["a length and chunks", head("POST /events", { "content-length": 3, "transfer-encoding": "chunked" })],
    ["a length that is no number", head("POST /events", { "content-length": "3x" })],
    [
      "a chunk of no size",
      `${head("POST /events", { "content-type": "application/json", "transfer-encoding": "chunked" })}zz\r\n`,
    ],
    ["a line feed in a header", "GET /events HTTP/1.1\r\nhost: localhost\r\na: b\rc\r\n\r\n"],
    ["no host", "GET /events HTTP/1.1\r\n\r\n"],
    ["an expectation that is unknown", head("GET /events", { expect: "a miracle" })],
    ["CONNECT", head("CONNECT localhost:1")],
  ])("such as %s is answered 400", async (_, request) => {
    const service = await startService();

    expectProblem(await new RawClient(service.port).send(request).answer(), 400, "validation-failed");
    expect(await stillWorks(service)).toBe(true);
  });

  it("with a body cut short is answered 400", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    client.send(
      head("POST /events", { "content-type": "application/json", "content-length": 100 }) +
        EVENT.slice(0, 20),
    );
    client.socket.end();

    expectProblem(await client.answer(), 400, "validation-failed");
    expect(await stillWorks(service)).toBe(true);
  });

  it("whose client goes away in the middle leaves no trace", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    client.send(head("POST /events", { "content-type": "application/json", "content-length": 100 }) + "{");
    client.socket.resetAndDestroy();

    expect(await stillWorks(service)).toBe(true);
  });

  it.each([
    ["one huge header", { a: "x".repeat(20_000) }],
    ["many headers", Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`h${index}`, "x"]))],
  ])("with %s is answered 431", async (_, headers) => {
    const service = await startService();

    expectProblem(
      await new RawClient(service.port).send(head("GET /events", headers)).answer(),
      431,
      "headers-too-large",
    );
    expect(await stillWorks(service)).toBe(true);
  });

  it("with a huge request line is answered 431", async () => {
    const service = await startService();

    const refused = await new RawClient(service.port)
      .send(head(`GET /events?message_contains=${"x".repeat(MIB)}`))
      .answer();

    expectProblem(refused, 431, "headers-too-large");
    expect(await stillWorks(service)).toBe(true);
  });
});

function withMetadata(metadata: string): string {
  return `${EVENT.slice(0, -1)},"metadata":${metadata}}`;
}

function expectProblem(answer: RawAnswer, status: number, code: string): void {
  expect([answer.status, answer.json?.code, answer.json?.status]).toEqual([status, code, status]);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("x-request-id")).toBe(answer.json.request_id);
}
