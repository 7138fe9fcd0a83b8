// Proofs, lines and the feed: the same over HTTP and in this process, on a log published in memory; and what the client
// makes of answers that no sound service gives.
import { describe, expect, it, onTestFinished } from "vitest";
import type { AuditService } from "#client/audit-service.ts";
import { createAuditClient } from "#client/http-client.ts";
import { createEmbeddedService } from "#infra/local/embedded.ts";
import { startService } from "#test/support/http-service.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { PublishedLog } from "#test/support/published-log.ts";
import { answerJson, startScriptedServer } from "#test/support/scripted-server.ts";

interface Subject {
  readonly audit: AuditService;
  readonly log: PublishedLog;
}

function logOf(count: number): PublishedLog {
  const log = new PublishedLog();
  for (let index = 0; index < count; index++) log.put({ event_id: `e${index}` });
  log.seal();
  return log;
}

async function overHttp(count: number): Promise<Subject> {
  const log = logOf(count);
  const { url } = await startService({ log });
  const audit = createAuditClient({ url, retryDelayMs: 1 });
  onTestFinished(() => audit.close());
  return { audit, log };
}

async function inProcess(count: number): Promise<Subject> {
  const log = logOf(count);
  const store = new MemoryStore();
  const letGo = async (): Promise<void> => undefined;
  const audit = createEmbeddedService({ queue: store, store, log, serviceName: "shop", letGo });
  onTestFinished(() => audit.close());
  return { audit, log };
}

describe.each([
  ["over HTTP", overHttp],
  ["in this process", inProcess],
])("the log %s", (_, open) => {
  it("proves an event", async () => {
    const { audit, log } = await open(3);

    const proof = await audit.proof("e1");

    expect(proof).toEqual({
      event_id: "e1",
      leaf_index: 1,
      log_size: 3,
      leaf_hash: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      hashes: [expect.any(String), expect.any(String)],
      checkpoint: Buffer.from(log.bytesOf("log/checkpoint")).toString(),
      proof: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\nindex 1\n/),
      line: log.leaves.lines[1]?.text,
      content_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it("gives the exact line of an event, of the tenant that is asked for", async () => {
    const { audit, log } = await open(1);
    const line = log.put({ event_id: "e0", tenant_id: "other" });

    expect(await audit.line("e0")).toBe(log.leaves.lines[0]?.text);
    expect(await audit.line("e0", { tenantId: "other" })).toBe(line);
  });

  it("has nothing of an event that is not stored", async () => {
    const { audit } = await open(1);

    expect([await audit.proof("e1"), await audit.line("e1")]).toEqual([undefined, undefined]);
  });

  it("says of an event that is not sealed yet that it can be asked for again", async () => {
    const { audit, log } = await open(1);
    log.put({ event_id: "e1" });

    await expect(audit.proof("e1")).rejects.toMatchObject({
      name: "AuditQueryError",
      code: "not-yet-sealed",
      retryable: true,
      retryAfterS: 2,
    });
  });

  it("waits for an event to be sealed", async () => {
    const { audit, log } = await open(1);
    const waiting = audit.proof("e1", { waitS: 20 });
    log.put({ event_id: "e1" });

    log.seal();

    expect(await waiting).toMatchObject({ leaf_index: 1 });
  });

  it.each([0, 21, 1.5])("refuses to wait %d seconds", async (waitS) => {
    const { audit } = await open(1);

    await expect(audit.proof("e0", { waitS })).rejects.toMatchObject({
      code: "validation-failed",
      errors: [{ path: "/wait" }],
    });
  });

  it("feeds all events in order, from page to page, and from any place on", async () => {
    const { audit } = await open(7);

    const all = await Array.fromAsync(audit.feed({ limit: 3 }));
    const rest = await Array.fromAsync(audit.feed({ after: 4 }));

    expect(all.map(({ leaf_index: leaf, event_id: id }) => [leaf, id])).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((leaf) => [leaf, `e${leaf}`]),
    );
    expect(rest).toEqual(all.slice(5));
  });

  it("tells which leaves of a page cannot be read, before its events", async () => {
    const { audit, log } = await open(7);
    for (const leaf of [1, 2, 5]) log.leaves.leftOut.add(leaf);
    const told: (readonly number[] | number)[] = [];
    const onUnreadable = (leaves: readonly number[]): void => void told.push(leaves);

    for await (const { leaf_index: leaf } of audit.feed({ limit: 3, onUnreadable })) told.push(leaf);

    expect(told).toEqual([[1, 2, 5], 0, 3, 4, 6]);
  });

  it("goes on feeding what comes where it is to follow", async () => {
    const { audit, log } = await open(1);
    const feed = audit.feed({ follow: true })[Symbol.asyncIterator]();
    await feed.next();
    const waiting = feed.next();
    log.put({ event_id: "late" });

    log.seal();

    expect((await waiting).value).toMatchObject({ leaf_index: 1, event_id: "late" });
    await feed.return?.();
  });

  it("refuses a place that the log does not have", async () => {
    const { audit } = await open(7);

    await expect(Array.fromAsync(audit.feed({ after: 7 }))).rejects.toMatchObject({
      code: "validation-failed",
      errors: [{ path: "/after" }],
    });
  });
});

describe("the client", () => {
  it("asks once for a proof that is not there yet", async () => {
    await using server = await startScriptedServer((_, response) => {
      response.setHeader("retry-after", "1");
      answerJson(response, 404, { code: "not-yet-sealed", title: "t" });
    });
    await using client = createAuditClient({ url: server.url, retryDelayMs: 1 });

    await expect(client.proof("a/b", { tenantId: "t", waitS: 3 })).rejects.toMatchObject({ retryAfterS: 1 });

    expect(server.seen.map(({ url }) => url)).toEqual(["/events/a%2Fb/proof?wait=3&tenant_id=t"]);
  });

  it("does not take a route that is missing for an event that is", async () => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, 404, { code: "route-not-found", title: "t" });
    });
    await using client = createAuditClient({ url: server.url });

    await expect(client.line("a")).rejects.toMatchObject({ code: "route-not-found" });
    await expect(client.proof("a")).rejects.toMatchObject({ code: "route-not-found" });
  });

  it("does not go round in a feed that stands still", async () => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, 200, { events: [], unreadable_leaves: [], next_after: 4, has_more: true });
    });
    await using client = createAuditClient({ url: server.url });

    await expect(Array.fromAsync(client.feed({ after: 4 }))).rejects.toMatchObject({ code: "internal" });
    expect(server.seen).toHaveLength(1);
  });
});
