// The feed: every event of a tenant exactly once, in the order of the log, whatever arrives meanwhile.
import { describe, expect, it } from "vitest";
import type { Feed, FeedPage, FeedRequest } from "#service/feed.ts";
import { createFeed, feedPageJson } from "#service/feed.ts";
import { createLogReader } from "#service/read-log.ts";
import { PublishedLog } from "#test/support/published-log.ts";

const REQUEST: FeedRequest = { tenantId: "default", after: -1, limit: 100, waitMs: 0 };
const MAX_LEAVES = 50;

interface Subject {
  readonly log: PublishedLog;
  readonly feed: (request?: Partial<FeedRequest>) => ReturnType<Feed>;
}

function subject(onSleep?: (log: PublishedLog) => void): Subject {
  const log = new PublishedLog();
  let nowMs = 0;
  const feed = createFeed({
    leaves: log.leaves,
    log: createLogReader(log.objects),
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
      onSleep?.(log);
    },
    maxLeaves: MAX_LEAVES,
  });
  return { log, feed: (request = {}) => feed({ ...REQUEST, ...request }) };
}

function fill(log: PublishedLog, count: number, members: Readonly<Record<string, unknown>> = {}): void {
  const from = log.leaves.lines.length;
  for (let index = 0; index < count; index++) log.put({ event_id: `e${from + index}`, ...members });
}

function placesOf({ events }: FeedPage): readonly (readonly [unknown, unknown])[] {
  return events.map((text) => {
    const { leaf_index: leaf, event_id: id } = JSON.parse(text);
    return [leaf, id] as const;
  });
}

describe("a page", () => {
  it("holds the events as answers give them, with their leaves, in the order of the log", async () => {
    const { log, feed } = subject();
    fill(log, 3);
    log.seal();

    const page = await feed();

    expect(placesOf(page)).toEqual([
      [0, "e0"],
      [1, "e1"],
      [2, "e2"],
    ]);
    expect(page).toMatchObject({ next_after: 2, has_more: false, log_size: 3 });
    expect(Object.keys(JSON.parse(page.events[0] ?? ""))).toEqual(
      expect.arrayContaining(["content_hash", "received_at", "tenant_id"]),
    );
    expect(JSON.parse(feedPageJson(page)).events).toEqual(page.events.map((text) => JSON.parse(text)));
  });

  it("is empty before the log is founded", async () => {
    const { log, feed } = subject();
    fill(log, 2);

    expect(await feed()).toEqual({
      events: [],
      unreadable_leaves: [],
      next_after: -1,
      has_more: false,
      log_size: 0,
    });
  });

  it("shows nothing that the published checkpoint does not cover", async () => {
    const { log, feed } = subject();
    fill(log, 2);
    log.seal();
    fill(log, 2);
    log.leaves.seal();

    expect(placesOf(await feed())).toHaveLength(2);
  });

  it("ends at its limit, and the next one goes on behind it", async () => {
    const { log, feed } = subject();
    fill(log, 5);
    log.seal();

    const first = await feed({ limit: 2 });
    const second = await feed({ limit: 2, after: first.next_after });
    const third = await feed({ limit: 2, after: second.next_after });

    expect([first, second, third].map(placesOf).map((page) => page.map(([leaf]) => leaf))).toEqual([
      [0, 1],
      [2, 3],
      [4],
    ]);
    expect([first.has_more, second.has_more, third.has_more]).toEqual([true, true, false]);
  });

  it("asks a log of one tenant for no more leaves than it shows", async () => {
    const { log, feed } = subject();
    fill(log, 40);
    log.seal();

    await feed({ limit: 7, after: 9 });

    expect(log.leaves.reads).toEqual([[10, 17]]);
  });

  it("ends after so many leaves that it has looked at, also without an event", async () => {
    const { log, feed } = subject();
    fill(log, 2 * MAX_LEAVES, { tenant_id: "other" });
    log.seal();

    const page = await feed();

    expect(page).toMatchObject({
      events: [],
      next_after: MAX_LEAVES - 1,
      has_more: true,
      log_size: 2 * MAX_LEAVES,
    });
  });

  it("holds at most 4 MiB, and an event that is left over comes next", async () => {
    const { log, feed } = subject();
    const metadata = Object.fromEntries([1, 2, 3, 4].map((part) => [part, "x".repeat(12_000)]));
    fill(log, 30, { metadata, stack_trace: "s".repeat(50_000), error_message: "é".repeat(9_000) });
    fill(log, 20, { metadata, stack_trace: "漢".repeat(50_000) });
    log.seal();

    const first = await feed();
    const second = await feed({ after: first.next_after });

    expect(first.has_more).toBe(true);
    expect(Buffer.byteLength(feedPageJson(first))).toBeLessThanOrEqual(4 * 1024 * 1024 + 1000);
    expect([...placesOf(first), ...placesOf(second)].map(([leaf]) => leaf)).toEqual(
      Array.from({ length: 50 }, (_, leaf) => leaf),
    );
  });

  it("leaves out events of other tenants, and names leaves whose line is nobody's", async () => {
    const { log, feed } = subject();
    fill(log, 1);
    fill(log, 1, { tenant_id: "other", message: ',"tenant_id":"default"' });
    fill(log, 1);
    log.leaves.add('{"_quarantined":{"tenant_id":"default"}}', "default", "e3");
    log.leaves.add(log.put({ event_id: "e4" }).replace('"message":""', '"message":"'), "default", "e5");
    log.leaves.leftOut.add(2);
    log.seal();

    const page = await feed();

    expect(placesOf(page).map(([leaf]) => leaf)).toEqual([0, 4]);
    expect(page).toMatchObject({ unreadable_leaves: [2, 3, 5], next_after: 5, has_more: false });
    expect(JSON.parse(feedPageJson(page))).toMatchObject({ unreadable_leaves: [2, 3, 5] });
  });

  it("names a leaf whose line is damaged where it says whose it is", async () => {
    const { log, feed } = subject();
    log.leaves.add(log.put({ event_id: "e0" }).replace('"tenant_id"', '"tenant_xx"'), "default", "e1");
    log.leaves.add(log.put({ event_id: "e2", tenant_id: "other" }).slice(0, -9), "other", "e3");
    log.seal();

    expect(await feed()).toMatchObject({ unreadable_leaves: [1, 3], next_after: 3 });
  });

  it("names no leaf that it has not passed, and the next one names it", async () => {
    const { log, feed } = subject();
    fill(log, 6);
    for (const leaf of [1, 3, 5]) log.leaves.leftOut.add(leaf);
    log.seal();

    const first = await feed({ limit: 2 });
    const second = await feed({ limit: 2, after: first.next_after });

    expect(first).toMatchObject({ unreadable_leaves: [1, 3], next_after: 3 });
    expect(second).toMatchObject({ unreadable_leaves: [5], next_after: 5, has_more: false });
  });

  it("refuses a line of a newer format rather than leave it out", async () => {
    const { log, feed } = subject();
    log.leaves.add(log.put({ event_id: "e0" }).replace('"_v":1', '"_v":2'), "default", "e1");
    log.seal();

    await expect(feed()).rejects.toMatchObject({ code: "storage-unavailable" });
  });

  it("shows an event that was pushed aside under its derived id", async () => {
    const { log, feed } = subject();
    log.put({ event_id: "same" });
    log.put({ event_id: "same", action: "other" });
    log.seal();

    const [first, second] = (await feed()).events.map((text) => JSON.parse(text));

    expect(first).toMatchObject({ leaf_index: 0, event_id: "same", conflicts: [second.event_id] });
    expect(second).toMatchObject({ leaf_index: 1, action: "other" });
    expect(second.event_id).toMatch(/^same!/);
  });

  it("is the same again for the same place, whatever has arrived", async () => {
    const { log, feed } = subject();
    fill(log, 9);
    log.seal();
    const before = await feed({ after: 2, limit: 4 });
    fill(log, 300);
    log.seal();

    const again = await feed({ after: 2, limit: 4 });

    expect(again).toEqual({ ...before, log_size: 309 });
  });

  it("behind the end of the log is refused: it is another log's place", async () => {
    const { log, feed } = subject();
    fill(log, 3);
    log.seal();

    expect(await feed({ after: 2 })).toMatchObject({
      events: [],
      next_after: 2,
      has_more: false,
      log_size: 3,
    });
    await expect(feed({ after: 3 })).rejects.toMatchObject({
      code: "validation-failed",
      errors: [{ path: "/after" }],
    });
  });
});

describe("a wait at the end of the log", () => {
  it("ends when the log has grown", async () => {
    let sleeps = 0;
    const { log, feed } = subject((growing) => {
      if (++sleeps < 3) return;
      fill(growing, 1);
      growing.seal();
    });
    fill(log, 1);
    log.seal();

    expect(placesOf(await feed({ after: 0, waitMs: 20_000 }))).toEqual([[1, "e1"]]);
    expect(sleeps).toBe(3);
  });

  it("ends with its time", async () => {
    const { log, feed } = subject();
    fill(log, 1);
    log.seal();

    expect(await feed({ after: 0, waitMs: 1000 })).toMatchObject({ events: [], next_after: 0 });
  });

  it("is none where there is something to show", async () => {
    let sleeps = 0;
    const { log, feed } = subject(() => void sleeps++);
    fill(log, 1);
    log.seal();

    await feed({ waitMs: 20_000 });

    expect(sleeps).toBe(0);
  });
});
