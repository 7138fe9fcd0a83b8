// The same comparison with a full scan on more events than two chunks of the index hold, in rotated and compressed
// files, with times that come out of order; and again after a restart.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";

import type { FileStore } from "#adapters/file/file-store.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { idOf, planFor, readPages, sampleLine } from "#test/contract/sample-lines.ts";
import { arbitraryEvent, arbitraryQuery, QueryOracle, TENANTS } from "#test/support/query-oracle.ts";
import { openLog } from "#test/support/stores.ts";

const COUNT = 36_000;
const FILES = { maxFileBytes: 1024 * 1024, backupCount: 2 };
const SEED = 20_260_301;

let folder = "";
let store: FileStore;
const oracle = new QueryOracle();
const ids: string[] = [];

/** A minute of spread around a time that moves on, in the second half; the first half has the ten times of the domain. */
function timed(line: PreparedLine, number: number): PreparedLine {
  if (number < COUNT / 2) return line;
  const seconds = number + ((number * 7919) % 60);
  const { tenant_id, service_name, action, user_id, resource_id, level, category } = line.event;
  const { message }: { message: string } = JSON.parse(line.text);
  const timestamp = new Date(Date.parse("2026-01-15T00:00:00Z") + seconds * 1000).toISOString();
  return sampleLine({
    tenant_id,
    service_name,
    action,
    user_id,
    resource_id,
    level,
    category,
    message,
    timestamp,
    event_id: line.event.event_id,
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  store = await openLog(folder, FILES);
  const drawn = fc.sample(arbitraryEvent, { seed: SEED, numRuns: 3000 });
  for (let at = 0; at < COUNT; at += 500) {
    const lines = Array.from({ length: 500 }, (_, place) => {
      const number = at + place;
      const event_id = ((number * 7919) % 100_003).toString(36);
      return timed(sampleLine({ ...drawn[(number * 31) % drawn.length], event_id }), number);
    });
    await store.send(lines);
    for (const { text, event } of lines) {
      oracle.add(text);
      ids.push(event.event_id);
    }
  }
}, 60_000);

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function expectSameAnswers(numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...TENANTS), arbitraryQuery, async (tenantId, query) => {
      const expected = oracle.find(tenantId, query);
      const plan = planFor(tenantId, { ...query, limit: 1000 });

      const found = (await readPages(store, plan)).flat();

      expect(found.length).toBe(expected.length);
      expect(found.findIndex((line, at) => line !== expected[at])).toBe(-1);
      const { matches } = await store.count(plan, 100_000);
      expect([expected.length, null]).toContain(matches); // null: it costs more than a count may
    }),
    { numRuns, seed: SEED },
  );
}

describe("a file store of several chunks and files", () => {
  it("finds what a full scan finds", async () => {
    await expectSameAnswers(40);
  }, 60_000);

  it("pages by few through equal times", async () => {
    const query = {
      limit: 97,
      user_ids: ["ann"],
      start_time: "2026-01-01T00:00:00Z",
      end_time: "2026-01-01T00:00:01Z",
    };
    const pages = await readPages(store, planFor("default", query));

    expect(pages.flat()).toEqual(oracle.find("default", query));
  });

  it("finds every event by its id", async () => {
    expect(new Set(ids).size).toBe(COUNT);
    for (const tenantId of TENANTS) {
      for (const line of oracle.find(tenantId, { levels: ["ERROR"] })) {
        expect(await store.get({ tenantId, eventId: idOf(line) })).toEqual({ text: line });
      }
    }
  });

  it("answers the same after a restart", async () => {
    await store.close();
    store = await openLog(folder, FILES);

    await expectSameAnswers(20);
  }, 60_000);
});
