// One id, one event: what is sent again, sent with other content, or sent without an id but with a key to repeat it by.
import { describe, expect, it } from "vitest";
import type { Json } from "#test/support/http-service.ts";
import {
  ask,
  duplicatesSaid,
  itKnowingAtOnce,
  itKnowingLater,
  LOGIN,
  post,
  startService,
} from "#test/support/http-service.ts";

describe("an event", () => {
  it("says that the event had not been stored before, where that is known", async () => {
    const taken = await post(await startService(), "/events", LOGIN);

    expect(taken.headers.get("audit-duplicates")).toBe(duplicatesSaid(0));
  });

  itKnowingAtOnce("answers the stored event when the same is sent again", async () => {
    const service = await startService();
    const event = { ...LOGIN, event_id: "login-1" };
    const first = await post(service, "/events", event);

    const second = await post(service, "/events", event);

    expect(second.status).toBe(202);
    expect(second.text).toBe(first.text);
    expect(second.headers.get("audit-duplicates")).toBe("1");
  });

  itKnowingLater(
    "stores an event once when the same is sent again, with the time it first came",
    async () => {
      const service = await startService();
      const event = { ...LOGIN, event_id: "login-1" };
      const first = await post(service, "/events", event);

      const second = await post(service, "/events", event);

      expect(second.status).toBe(202);
      expect((await ask(service, "/events")).json.events).toEqual([first.json]);
    },
  );

  itKnowingAtOnce("answers 409 when other content is sent under the same id", async () => {
    const service = await startService();
    await post(service, "/events", { ...LOGIN, event_id: "login-1" });

    const other = await post(service, "/events", { ...LOGIN, event_id: "login-1", action: "user_logout" });

    expect(other.status).toBe(409);
    expect(other.json).toMatchObject({ code: "event-id-conflict", status: 409, event_id: "login-1" });
    expect((await ask(service, "/events/login-1")).json.action).toBe("user_login");
  });

  itKnowingLater(
    "keeps both where other content is sent under the same id, and says so on the first",
    async () => {
      const service = await startService();
      await post(service, "/events", { ...LOGIN, event_id: "login-1" });

      const other = await post(service, "/events", { ...LOGIN, event_id: "login-1", action: "user_logout" });

      expect(other.status).toBe(202);
      const first = (await ask(service, "/events/login-1")).json;
      expect(first).toMatchObject({
        action: "user_login",
        conflicts: [expect.stringMatching(/^login-1![0-9a-f]{32}$/)],
      });
      const kept = await ask(service, `/events/${encodeURIComponent(first.conflicts[0])}`);
      expect(kept.json).toMatchObject({ action: "user_logout", event_id: first.conflicts[0] });
    },
  );
});

describe("the header Idempotency-Key", () => {
  it.each(["k1", '"k1"'])("takes Idempotency-Key %s as the id of an event without one", async (key) => {
    const service = await startService();
    const headers = { "idempotency-key": key };
    await post(service, "/events", LOGIN, headers);

    const again = await post(service, "/events", LOGIN, headers);

    expect(again.json.event_id).toBe("k1");
    expect(again.headers.get("audit-duplicates")).toBe(duplicatesSaid(1));
    expect((await ask(service, "/events")).json.events).toHaveLength(1);
  });

  it.each(["", '""', "a b", "query", "x".repeat(121), "ü"])("refuses Idempotency-Key %j", async (key) => {
    const service = await startService();

    const refused = await post(service, "/events", LOGIN, { "idempotency-key": encodeLatin1(key) });

    expect(refused.status).toBe(400);
    expect(refused.json.code).toBe("validation-failed");
  });

  it("gives events without an id the Idempotency-Key and their index", async () => {
    const service = await startService();
    const events = [LOGIN, { ...LOGIN, event_id: "own" }, LOGIN];

    const taken = await post(service, "/events/batch", { events }, { "idempotency-key": "k" });

    expect(taken.json.event_ids).toEqual(["k:0", "own", "k:2"]);
  });
});

describe("a batch", () => {
  it("rejects the second of two events with one id and other content", async () => {
    const service = await startService();
    const event = { ...LOGIN, event_id: "a" };

    const taken = await post(service, "/events/batch", {
      events: [event, event, { ...event, action: "other" }],
    });

    expect(taken.status).toBe(207);
    expect(taken.json.results.map(({ status, code }: Json) => code ?? status)).toEqual([
      "accepted",
      "accepted",
      "event-id-conflict",
    ]);
    expect(taken.headers.get("audit-duplicates")).toBe(duplicatesSaid(1));
    expect((await ask(service, "/events")).json.events).toHaveLength(1);
  });
});

/** What fetch takes for header values is Latin-1. */
function encodeLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
