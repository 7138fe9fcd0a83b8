// Whatever bytes arrive on a socket, the service answers with a status of the contract or ends the connection, and
// goes on. Inputs are valid requests with bytes changed, cut out, doubled and added, and sent in any pieces.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROBLEMS } from "#http/problem.ts";
import { head, jsonPost, LOGIN, RawClient, startService, stillWorks } from "#test/support/http-service.ts";

const STATUSES = new Set([100, 200, 202, 207, ...Object.values(PROBLEMS).map(({ status }) => status)]);

const VALID = [
  jsonPost("/events", JSON.stringify(LOGIN)),
  jsonPost(
    "/events/batch?atomic=true",
    JSON.stringify({ events: [LOGIN, { ...LOGIN, metadata: { a: [1, "ü"] } }] }),
  ),
  jsonPost("/events/query", '{"user_ids":["a"],"limit":5}'),
  jsonPost("/flush", "{}"),
  head("GET /events?user_ids=a,b&limit=10&explain=true"),
  head("GET /events/export?format=csv"),
  head("GET /events/a%3Ab?wait=1"),
  head("GET /events/feed?after=-1&limit=5&tenant_id=acme"),
  head("GET /events/a%3Ab/proof?tenant_id=acme", { accept: "application/json, text/plain;q=0.5" }),
  head("GET /log/tile/0/x001/067.p/3"),
  `${head("POST /events", { "content-type": "application/json", "transfer-encoding": "chunked" })}2\r\n{}\r\n0\r\n\r\n`,
].map((text) => Buffer.from(text));

/** Refused for its head while the rest turns out to be broken: the refusal must still arrive. */
const BROKEN_BEHIND_ITS_HEAD = Buffer.from(
  "POST /events HTTP/1.1\r\nh: ost\r\ntransfer-encoding:hunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
);

const EMPTY_LINES = Buffer.from("\r\n\r\n\r\n");

interface Change {
  readonly at: number;
  readonly cut: number;
  readonly add: Uint8Array;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(1000),
  cut: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(200)),
  add: fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc
      .constantFrom("\r\n", "\0", '"', "{", "[[[[", "%", "\r\n\r\n", ": ", "\u{1F4A5}")
      .map((text) => Buffer.from(text)),
  ),
});

const requests = fc.record({
  base: fc
    .array(fc.constantFrom(...VALID), { minLength: 1, maxLength: 3 })
    .map((parts) => Buffer.concat(parts)),
  changes: fc.array(change, { maxLength: 4 }),
  pieces: fc.integer({ min: 1, max: 4 }),
});

describe("a server", () => {
  it("answers any bytes with statuses of the contract, and goes on", { timeout: 60_000 }, async () => {
    const limits = { headersTimeoutMs: 200, requestTimeoutMs: 300, checkIntervalMs: 20, keepAliveMs: 50 };
    const service = await startService({ limits });

    await fc.assert(
      fc.asyncProperty(requests, async ({ base, changes, pieces }) => {
        const bytes = changes.reduce(applyChange, base);
        const client = new RawClient(service.port);
        const size = Math.ceil(bytes.length / pieces);
        for (let from = 0; from < bytes.length; from += size) client.send(bytes.subarray(from, from + size));
        client.socket.end();

        const answer = await client.closed();

        const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
        expect(statuses.filter((status) => !STATUSES.has(status))).toEqual([]);
        expect(statuses).not.toContain(500);
        // Empty lines before a request are passed over (RFC 9112 section 2.2): alone they ask for nothing.
        expect(statuses.length > 0).toBe(bytes.some((byte) => byte !== 0x0d && byte !== 0x0a));
      }),
      {
        numRuns: 300,
        examples: [
          [{ base: BROKEN_BEHIND_ITS_HEAD, changes: [], pieces: 1 }],
          [{ base: EMPTY_LINES, changes: [], pieces: 1 }],
        ],
      },
    );

    expect(await stillWorks(service)).toBe(true);
  });
});

function applyChange(bytes: Buffer, { at, cut, add }: Change): Buffer {
  const place = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, place), add, bytes.subarray(place + cut)]);
}
