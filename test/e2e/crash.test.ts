// Killed again and again under concurrent writers, with its last line cut in between: the server starts each time, has
// every event that it acknowledged, and has none twice.
import { readFile, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { decodeLine } from "#event/stored-line.ts";
import { postJson, queryIds } from "#test/support/api.ts";
import { linesOnDisk, newFolder } from "#test/support/folders.ts";
import { startServerProcess } from "#test/support/server-process.ts";

const ROUNDS = 20;
const WRITERS = 12;
/** One megabyte a file: rotation and compression take part. */
const SMALL_FILES = { AUDIT_MAX_FILE_SIZE_MB: "1", AUDIT_BACKUP_COUNT: "1" };
const MESSAGE = "x".repeat(1500);

/** What the writers know: which ids were acknowledged, and which were sent without an answer. */
interface Ledger {
  readonly acknowledged: Set<string>;
  readonly unanswered: Set<string>;
  sent: number;
}

/** Sends single events and small batches until the server is gone; first what an earlier server left unanswered. */
async function write(url: string, ledger: Ledger, onAcknowledged: () => void): Promise<void> {
  for (;;) {
    const again = [...ledger.unanswered].slice(0, 3);
    for (const id of again) ledger.unanswered.delete(id);
    const count = ledger.sent % 3 === 0 ? 1 : 5;
    const fresh = Array.from({ length: count }, () => `event-${ledger.sent++}`);
    const ids = [...again, ...fresh];
    for (const id of ids) ledger.unanswered.add(id);
    const events = ids.map((event_id) => ({
      event_id,
      action: "write",
      service_name: "crash",
      message: MESSAGE,
      timestamp: "2026-02-01T00:00:00Z",
    }));
    try {
      const isOne = events.length === 1;
      const { status } = await postJson(
        url,
        isOne ? "/events" : "/events/batch",
        isOne ? events[0] : { events },
      );
      expect(status).toBe(202);
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return; // the connection broke
      throw error;
    }
    for (const id of ids) {
      ledger.unanswered.delete(id);
      ledger.acknowledged.add(id);
    }
    onAcknowledged();
  }
}

/** Lets writers work until `answers` requests were answered, then kills the server in the middle of the others. */
async function round(folder: string, ledger: Ledger, answers: number): Promise<void> {
  const server = startServerProcess(folder, SMALL_FILES);
  const url = await server.url;
  let left = answers;
  const onAcknowledged = (): void => {
    left--;
    if (left === 0) server.child.kill("SIGKILL");
  };
  await Promise.all(Array.from({ length: WRITERS }, () => write(url, ledger, onAcknowledged)));
  expect((await server.ended).signal).toBe("SIGKILL");
}

/** Cuts the last line after `share` of its bytes, as a crash does; its event then counts as never acknowledged. */
async function cutLastLine(folder: string, share: number, ledger: Ledger): Promise<void> {
  const path = join(folder, "audit.jsonl");
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  const end = bytes.lastIndexOf("\n");
  const begin = bytes.lastIndexOf("\n", end - 1) + 1;
  if (end < 0 || end < bytes.length - 1) return; // nothing there, or cut by the crash itself
  const { event_id: id } = JSON.parse(bytes.toString("utf8", begin, end)) as { readonly event_id: string };
  await truncate(path, begin + 1 + Math.floor((end - begin) * share));
  if (ledger.acknowledged.delete(id)) ledger.unanswered.add(id);
}

describe("a server that is killed", () => {
  it(`${ROUNDS} times under ${WRITERS} writers has lost and doubled nothing`, async () => {
    const folder = await newFolder();
    const ledger: Ledger = { acknowledged: new Set(), unanswered: new Set(), sent: 0 };

    for (let number = 0; number < ROUNDS; number++) {
      await round(folder, ledger, 3 + ((number * 37) % 60));
      if (number % 2 === 1) await cutLastLine(folder, number / ROUNDS, ledger);
    }

    const last = startServerProcess(folder, SMALL_FILES);
    const found = await queryIds(await last.url);
    last.child.kill("SIGTERM");
    expect(await last.ended).toMatchObject({ code: 0 });

    const lines = await linesOnDisk(folder);
    for (const line of lines) decodeLine(line);
    expect(ledger.acknowledged.size).toBeGreaterThan(1000);
    expect([...ledger.acknowledged].filter((id) => !found.includes(id))).toEqual([]);
    expect(new Set(found).size).toBe(found.length);
    expect(lines).toHaveLength(found.length);
    expect((await readdir(folder)).some((name) => name.includes(".torn-at-"))).toBe(true);
  }, 120_000);
});
