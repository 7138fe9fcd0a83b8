// The prove function behind the gateway, over a log that is published in memory: forms, headers, and hostile paths.
import { describe, expect, it } from "vitest";
import { decodeLine } from "#event/stored-line.ts";
import { CHECKPOINT_KEY, tileKey } from "#service/log-layout.ts";
import type { Answer, TestService } from "#test/support/http-service.ts";
import { ask, followLinks, head, RawClient, startService } from "#test/support/http-service.ts";
import { PublishedLog } from "#test/support/published-log.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
const BINARY = "application/octet-stream";

interface Subject {
  readonly log: PublishedLog;
  readonly service: TestService;
}

/** With so many sealed events, e0 and so on. */
async function subject(count: number): Promise<Subject> {
  const log = new PublishedLog();
  for (let index = 0; index < count; index++) log.put({ event_id: `e${index}` });
  if (count > 0) log.seal();
  return { log, service: await startService({ log }) };
}

async function bytesOf({ url }: TestService, path: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(new URL(path, url))).arrayBuffer());
}

/** With a path that no URL parser has made harmless. */
function askRaw({ port }: TestService, path: string): Promise<Answer> {
  return new RawClient(port).send(head(`GET ${path}`)).answer();
}

describe("/log", () => {
  it.each([
    ["/log/checkpoint", CHECKPOINT_KEY],
    ["/log/vkey", "log/vkey"],
    ["/log/vkeys", "log/vkeys"],
  ])("%s is text, and kept for 2 seconds", async (path, key) => {
    const { log, service } = await subject(3);

    const { status, headers, text } = await ask(service, path);

    expect([status, text]).toEqual([200, Buffer.from(log.bytesOf(key)).toString()]);
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(headers.get("cache-control")).toBe("public, max-age=2");
  });

  it.each(["/log/checkpoint", "/log/vkey", "/log/vkeys"])(
    "%s is to be asked for later before the log is published",
    async (path) => {
      const { service } = await subject(0);

      const { status, headers, json } = await ask(service, path);

      expect([status, json.code]).toEqual([404, "not-yet-sealed"]);
      expect(headers.get("retry-after")).toBe("2");
      expect(headers.get("cache-control")).toBe("no-store");
    },
  );

  it("is never taken for another object of the archive", async () => {
    const { log, service } = await subject(3);
    log.store("staging/secret", Buffer.from("secret"));
    log.store("log/secret", Buffer.from("secret"));

    const answers = await Promise.all(
      ["/log/secret", "/log/tile/../secret", "/log/../staging/secret"].map((path) => askRaw(service, path)),
    );

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });
});

describe("/log/tile", () => {
  it.each(["0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44"])(
    "%s is given byte for byte, to be kept for ever",
    async (path) => {
      const { log, service } = await subject(300);

      const { status, headers } = await ask(service, `/log/tile/${path}`);

      expect(status).toBe(200);
      expect([headers.get("content-type"), headers.get("cache-control")]).toEqual([BINARY, IMMUTABLE]);
      const bytes = log.bytesOf(tileKey(`tile/${path}`));
      expect(headers.get("content-length")).toBe(String(bytes.length));
      expect(await bytesOf(service, `/log/tile/${path}`)).toEqual(Buffer.from(bytes));
    },
  );

  it("in a width that is gone is cut from the full one", async () => {
    const { log, service } = await subject(300);

    const bytes = await bytesOf(service, "/log/tile/0/000.p/3");

    expect(bytes).toEqual(Buffer.from(log.bytesOf(tileKey("tile/0/000"))).subarray(0, 96));
  });

  it("to HEAD answers its length", async () => {
    const { service } = await subject(300);

    const { status, headers, text } = await ask(service, "/log/tile/0/000", { method: "HEAD" });

    expect([status, headers.get("content-length"), text]).toEqual([200, "8192", ""]);
  });

  it("that is damaged is not handed on", async () => {
    const { log, service } = await subject(300);
    log.damage(tileKey("tile/0/000"), (bytes) => bytes.slice(1));

    const { status, headers, json } = await ask(service, "/log/tile/0/000");

    expect([status, json.code]).toEqual([503, "storage-unavailable"]);
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("that the log does not have says how large the log is", async () => {
    const { service } = await subject(300);

    const { status, headers, json } = await ask(service, "/log/tile/0/002");

    expect([status, json.code]).toEqual([404, "route-not-found"]);
    expect(json.detail).toBe("no such tile; the log has 300 leaves");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it.each([
    "/log/tile/",
    "/log/tile//0/000",
    "/log/tile/0/000/",
    "/log/tile/0%2F000",
    "/log/tile/0/%30%30%30",
    "/log/tile/00/000",
    "/log/tile/-1/000",
    "/log/tile/64/000",
    "/log/tile/0/0",
    "/log/tile/0/x000/000",
    "/log/tile/0/x001",
    "/log/tile/0/000.p/0",
    "/log/tile/0/000.p/256",
    "/log/tile/0/000.p/01",
    "/log/tile/0/000.p/3/..",
    "/log/tile/0/000.P/3",
    "/log/tile/0/000%00",
    "/log/tile/0/000%",
    "/log/tile/..%2f..%2fstaging",
    "/log/tile/../checkpoint",
    "/log/tile/./0/000",
    "/log/tile/Entries/000",
    "/log/tile/\\..\\0",
    `/log/tile/0/${"x999/".repeat(2000)}000`,
    "/log/tile/0/９９９",
  ])("does not take the path %j", async (path) => {
    const { service } = await subject(300);

    const { status, json } = await askRaw(service, encodeURI(path).replaceAll("%25", "%"));

    expect([status, json.code]).toEqual([404, "route-not-found"]);
  });

  it("refuses parameters, as every route does", async () => {
    const { service } = await subject(300);

    const answers = await Promise.all(
      ["/log/tile/0/000?v=1", "/log/checkpoint?v=1", "/events/e0/line?wait=1", "/events/feed?cursor=a"].map(
        (path) => ask(service, path),
      ),
    );

    expect(answers.map(({ status, json }) => [status, json.code])).toEqual(
      answers.map(() => [400, "validation-failed"]),
    );
  });
});

describe("/events/{event_id}/line", () => {
  it("is the exact stored text", async () => {
    const { log, service } = await subject(3);

    const { status, headers, text } = await ask(service, "/events/e1/line");

    expect([status, text]).toEqual([200, log.leaves.lines[1]?.text]);
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("takes the derived id of a conflict", async () => {
    const { log, service } = await subject(1);
    const line = log.put({ event_id: "e0", action: "other" });
    const [derived = ""] = log.leaves.lines[0]?.conflicts ?? [];

    expect((await ask(service, `/events/${encodeURIComponent(derived)}/line`)).text).toBe(line);
  });

  it("is of the tenant that is asked for", async () => {
    const { log, service } = await subject(1);
    const line = log.put({ event_id: "e0", tenant_id: "other" });

    expect((await ask(service, "/events/e0/line?tenant_id=other")).text).toBe(line);
    expect((await ask(service, "/events/e0/line?tenant_id=third")).json.code).toBe("event-not-found");
  });
});

describe("/events/{event_id}/proof", () => {
  it("is text, or JSON with all that it takes where that is preferred", async () => {
    const { log, service } = await subject(3);

    const text = await ask(service, "/events/e1/proof");
    const { headers, json } = await ask(service, "/events/e1/proof", {
      headers: { accept: "application/json" },
    });

    const line = log.leaves.lines[1]?.text ?? "";
    expect(text.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(text.text).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 1\n/);
    expect(headers.get("content-type")).toBe("application/json");
    expect(json).toEqual({
      event_id: "e1",
      leaf_index: 1,
      log_size: 3,
      leaf_hash: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      hashes: [expect.any(String), expect.any(String)],
      checkpoint: Buffer.from(log.bytesOf(CHECKPOINT_KEY)).toString(),
      proof: text.text,
      line,
      content_hash: decodeLine(line).contentHash,
    });
  });

  it("of what is not sealed yet says when to ask again", async () => {
    const { log, service } = await subject(1);
    log.put({ event_id: "e1" });

    const { status, headers, json } = await ask(service, "/events/e1/proof");

    expect([status, json.code, headers.get("retry-after")]).toEqual([404, "not-yet-sealed", "2"]);
  });

  it("waits for the event to be sealed where it is told to", async () => {
    const { log, service } = await subject(1);
    log.put({ event_id: "e1" });
    const asking = ask(service, "/events/e1/proof?wait=20");
    await ask(service, "/events/e1/proof");

    log.seal();

    expect((await asking).status).toBe(200);
  });

  it("shows nobody why tiles do not fit, but the log", async () => {
    const { log, service } = await subject(3);
    log.damage(tileKey("tile/0/000.p/3"), (bytes) => bytes.with(0, (bytes[0] ?? 0) ^ 1));

    const { status, json } = await ask(service, "/events/e1/proof");

    expect([status, json.code]).toEqual([503, "storage-unavailable"]);
    expect(json.detail).not.toContain("tile/0/000");
    const written = service.telemetry.filter(({ message }) => message === "request failed");
    expect(written).toEqual([expect.objectContaining({ error: expect.stringContaining("tile/0/000.p/3") })]);
  });
});

describe("/events/feed", () => {
  it("leads from page to page to the end of the log", async () => {
    const { log, service } = await subject(7);
    log.put({ event_id: "late" });

    const pages = await followLinks(service, "/events/feed?limit=3&tenant_id=default");

    expect(
      pages.flatMap(({ json }) => json.events.map((event: { event_id: string }) => event.event_id)),
    ).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `e${index}`));
    expect(pages.map(({ json }) => [json.next_after, json.has_more])).toEqual([
      [2, true],
      [5, true],
      [6, false],
    ]);
    expect(pages[0]?.headers.get("link")).toBe(
      '</events/feed?after=2&limit=3&tenant_id=default>; rel="next"',
    );
  });

  it.each([
    "after=-2",
    "after=1.5",
    "after=",
    "after=9007199254740992",
    "limit=0",
    "limit=1001",
    "wait=21",
    "after=7",
  ])("refuses %s by name", async (parameter) => {
    const { service } = await subject(7);

    const { status, json } = await ask(service, `/events/feed?${parameter}`);

    expect([status, json.errors[0].path]).toEqual([400, `/${parameter.split("=")[0]}`]);
  });
});
