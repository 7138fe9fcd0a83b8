// The route table against the list of the contract.
import { describe, expect, it } from "vitest";
import { ROUTES } from "#http/route-table.ts";

/** Routes of the contract that exist, with function, scope, and limits of the body: on the wire, and decoded. */
const CONTRACT = [
  ["POST /events", "ingest", "write", 1_048_576, 1_048_576],
  ["POST /events/batch", "ingest", "write", 2_621_440, 8_388_608],
  ["GET /events", "query", "read", undefined, undefined],
  ["POST /events/query", "query", "read", 524_288, 524_288],
  ["GET /events/export", "query", "export", undefined, undefined],
  ["GET /events/{event_id}", "query", "read", undefined, undefined],
  ["GET /events/feed", "prove", "export", undefined, undefined],
  ["GET /events/{event_id}/line", "prove", "verify", undefined, undefined],
  ["GET /events/{event_id}/proof", "prove", "verify", undefined, undefined],
  ["GET /log/checkpoint", "prove", "public", undefined, undefined],
  ["GET /log/vkey", "prove", "public", undefined, undefined],
  ["GET /log/vkeys", "prove", "public", undefined, undefined],
  ["GET /log/tile/{path+}", "prove", "public", undefined, undefined],
  ["POST /flush", "query", "write", 65_536, 65_536],
  ["GET /health", "health", "public", undefined, undefined],
  ["GET /openapi.json", "query", "public", undefined, undefined],
];

describe("ROUTES", () => {
  it("are those of the contract", () => {
    const rows = ROUTES.map((route) => {
      const body = "body" in route ? route.body : undefined;
      const key = `${route.method} ${route.path}`;
      return [key, route.function, route.scope, body?.maxWireBytes, body?.maxDecodedBytes];
    });

    expect(rows).toEqual(CONTRACT);
  });

  it("name each operation once", () => {
    const names = ROUTES.map(({ operationId }) => operationId);

    expect(new Set(names).size).toBe(names.length);
  });
});
