// Finding events over HTTP: parameters, pages, totals and explanations of the contract.
import { describe, expect, it } from "vitest";
import {
  ask,
  followLinks,
  itLocally,
  LOGIN,
  post,
  readsOf,
  startService,
  stillWorks,
} from "#test/support/http-service.ts";
import type { Answer, TestService } from "#test/support/http-service.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

describe("GET /events", () => {
  it("splits a list at commas where the parameter is given once", async () => {
    const service = await withUsers(["alice", "bob", "a,b"]);

    expect(usersOf(await ask(service, "/events?user_ids=alice,bob"))).toEqual(["bob", "alice"]);
  });

  it("takes each value exactly where the parameter is repeated", async () => {
    const service = await withUsers(["alice", "bob", "a,b"]);

    expect(usersOf(await ask(service, "/events?user_ids=a%2Cb&user_ids=alice"))).toEqual(["a,b", "alice"]);
  });

  it("reads + and percent-encoding as form parameters do", async () => {
    const service = await withUsers(["a b", "a+b", "ü&=%"]);

    expect(usersOf(await ask(service, "/events?user_ids=a+b"))).toEqual(["a b"]);
    expect(usersOf(await ask(service, "/events?user_ids=a%2Bb"))).toEqual(["a+b"]);
    expect(usersOf(await ask(service, "/events?user_ids=%C3%BC%26%3D%25"))).toEqual(["ü&=%"]);
  });

  it("leads from page to page by Link and cursor, each event once", async () => {
    const users = Array.from({ length: 7 }, (_, index) => `user-${index}`);
    const service = await withUsers(users);

    const pages = await followLinks(service, "/events?limit=3&order_desc=false&offset=1");

    expect(pages.map((page) => page.json.events.length)).toEqual([3, 3]);
    expect(pages.flatMap(usersOf)).toEqual(users.slice(1));
    expect(pages.at(-1)?.json).toMatchObject({ has_more: false, next_cursor: null });
  });

  it("knows the total for free where the first page is the whole answer", async () => {
    const service = await withUsers(["a", "b", "c"]);

    expect((await ask(service, "/events?limit=5&offset=1")).json.total_count).toBe(3);
    expect((await ask(service, "/events?limit=2")).json.total_count).toBeNull();
    expect((await ask(service, "/events?limit=2&include_total=true")).json.total_count).toBe(3);
  });

  itLocally("answers 400 use-cursor where the read budget ends before the offset", async () => {
    const service = await withUsers(["a", "b", "c", "d"], new MemoryStore({ maxReads: 2 }));

    const refused = await ask(service, "/events?offset=3");

    expect(refused.status).toBe(400);
    expect(refused.json.code).toBe("use-cursor");
    expect(refused.json.errors[0].path).toBe("/offset");
  });

  itLocally("says more follows on a page that its read budget left empty", async () => {
    const service = await withUsers(["a", "b", "c", "d"], new MemoryStore({ maxReads: 2 }));

    const pages = await followLinks(service, "/events?user_ids=a");

    expect(pages[0]?.json).toMatchObject({ events: [], has_more: true });
    expect(pages.flatMap(usersOf)).toEqual(["a"]);
  });

  it("explains how the page was found", async () => {
    const service = await withUsers(["a", "b"]);

    const { json } = await ask(service, "/events?explain=true&user_ids=a&levels=info");

    const lines_read = readsOf(2, 1); // an array is read through, an index is not
    expect(json.plan).toMatchObject({ access_path: "user", filters_left: ["levels"], lines_read });
  });

  it.each([
    ["an unknown parameter", "user_id=a", "/user_id"],
    ["an unknown order", "order_by=level", "/order_by"],
    ["an unknown level", "levels=LOUD", "/levels/0"],
    ["a time without zone", "start_time=2026-01-01T00:00:00", "/start_time"],
    ["a limit of 0", "limit=0", "/limit"],
    ["a limit over 1,000", "limit=1001", "/limit"],
    ["an offset over 10,000", "offset=10001", "/offset"],
    ["21 values", `user_ids=${Array.from({ length: 21 }, (_, index) => index).join(",")}`, "/user_ids"],
    ["a parameter given twice", "limit=1&limit=2", "/limit"],
    ["percent-encoding that is none", "user_ids=%ZZ", "/user_ids"],
    ["percent-encoding of no UTF-8", "user_ids=%FF", "/user_ids"],
    ["a lone percent sign", "message_contains=100%", "/message_contains"],
  ])("answers 400 to %s, as POST does", async (_, query, path) => {
    const service = await startService();

    const refused = await ask(service, `/events?${query}`);

    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({ code: "validation-failed", errors: [{ path }] });
    expect(await stillWorks(service)).toBe(true);
  });

  it.each(["x", "AAAA", "%20"])("answers 400 invalid-cursor to cursor %s", async (cursor) => {
    const service = await startService();

    const refused = await ask(service, `/events?cursor=${cursor}`);

    expect(refused.status).toBe(400);
    expect(refused.json.code).toBe("invalid-cursor");
  });

  it("answers 400 invalid-cursor to the cursor of another query, and with an offset", async () => {
    const service = await withUsers(["a", "b", "c"]);
    const { json } = await ask(service, "/events?limit=1");

    const other = await ask(service, `/events?user_ids=a&cursor=${json.next_cursor}`);
    const offset = await ask(service, `/events?offset=1&cursor=${json.next_cursor}`);

    expect([other.json.code, offset.json.code]).toEqual(["invalid-cursor", "invalid-cursor"]);
  });

  it("finds only the tenant asked for", async () => {
    const service = await startService();
    await post(service, "/events", { ...LOGIN, user_id: "a", tenant_id: "acme" });
    await post(service, "/events", { ...LOGIN, user_id: "b" });

    expect(usersOf(await ask(service, "/events?tenant_id=acme"))).toEqual(["a"]);
    expect(usersOf(await ask(service, "/events"))).toEqual(["b"]);
  });
});

describe("POST /events/query", () => {
  it("answers the same as GET /events", async () => {
    const service = await withUsers(["a", "b", "c"]);

    const posted = await post(service, "/events/query", {
      user_ids: ["a", "c"],
      order_desc: false,
      limit: 1,
    });
    const got = await ask(service, "/events?user_ids=a,c&order_desc=false&limit=1");

    const { query_duration_ms: _, ...rest } = posted.json;
    expect(got.json).toMatchObject(rest);
  });

  it("pages by next_cursor", async () => {
    const service = await withUsers(["a", "b", "c"]);
    const first = await post(service, "/events/query", { limit: 2 });

    const second = await post(service, "/events/query", { limit: 2, cursor: first.json.next_cursor });

    expect([...usersOf(first), ...usersOf(second)]).toEqual(["c", "b", "a"]);
  });

  it.each([
    ["a list", "[]", ""],
    ["an unknown member", '{"user":1}', "/user"],
    ["text for a number", '{"limit":"5"}', "/limit"],
    ["a member given twice", '{"limit":5,"limit":6}', "/limit"],
    ["text for a list", '{"user_ids":"a,b"}', "/user_ids"],
  ])("answers 400 to %s", async (_, body, path) => {
    const service = await startService();

    const refused = await post(service, "/events/query", body);

    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({ code: "validation-failed", errors: [{ path }] });
  });
});

async function withUsers(users: readonly string[], store?: MemoryStore): Promise<TestService> {
  const service = await startService(store && { store });
  const events = users.map((user_id, index) => ({
    ...LOGIN,
    user_id,
    timestamp: `2026-03-01T12:00:0${index}Z`,
  }));
  await post(service, "/events/batch", { events });
  return service;
}

function usersOf({ json }: Answer): string[] {
  return json.events.map((event: { readonly user_id: string }) => event.user_id);
}
