// The AWS deployment on stand-ins answers as the file store of one machine does: both are sent the same random events,
// import the same CloudTrail logs, and are asked the same. The logs are not part of the project: AUDIT_TEST_DATA names the
// folder that holds them; without it, it is random events alone.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { FileStore } from "#adapters/file/file-store.ts";
import { createTelemetry } from "#functions/telemetry.ts";
import type { LocalServer } from "#infra/local/server.ts";
import { startServer } from "#infra/local/server.ts";
import type { Query } from "#test/support/answers.ts";
import { countOf, eventById, wholeAnswer, wholeExport } from "#test/support/answers.ts";
import { postJson } from "#test/support/api.ts";
import type { TestStack } from "#test/support/emulated.ts";
import { openStack } from "#test/support/emulated.ts";
import type { Json } from "#test/support/http-service.ts";
import { arbitraryEvent, arbitraryQuery } from "#test/support/query-oracle.ts";
import { openLog } from "#test/support/stores.ts";

const BIN = join(import.meta.dirname, "../../infra/local/bin.js");
const DATA = process.env["AUDIT_TEST_DATA"];
const HAS_LOGS = DATA !== undefined;
const REASON = HAS_LOGS ? "" : " (without CloudTrail logs: needs AUDIT_TEST_DATA)";
const RECORDS = HAS_LOGS ? 1667 : 0;
const RANDOM_EVENTS = 600;
const QUERIES = 500;
const SEED = Number(process.env["AUDIT_TEST_SEED"] ?? 20_260_301);
/** Queries under way at once. */
const PARALLEL = 4;
/** Events of the logs that a query's time holds, about. */
const MAX_WIDTH = 150;
/** One query in so many has small pages. */
const PAGED_EVERY = 8;
/** One query in so many is about all time. */
const WIDE_EVERY = 25;
const AFTER_LOGS = "2025-01-01T00:00:00Z";
const ALL_TIME = { start_time: "1970-01-01T00:00:00Z", end_time: "2026-11-01T00:00:00Z" };

let stack: TestStack;
let local: LocalServer;
let store: FileStore;
let folder = "";

async function importLogs(url: string): Promise<void> {
  const args = [BIN, "import", "--format", "cloudtrail", "--url", url, join(DATA ?? "", "cloudtrail")];
  await promisify(execFile)(process.execPath, args);
}

beforeAll(async () => {
  if (inject("emulation") === undefined) return;
  stack = await openStack();
  folder = await mkdtemp(join(tmpdir(), "audit-differential-"));
  store = await openLog(folder);
  const telemetry = createTelemetry({ level: "error", nowMs: Date.now, write: () => undefined });
  local = await startServer({ store, telemetry });
  const random = fc.sample(arbitraryEvent, { numRuns: RANDOM_EVENTS, seed: SEED });
  const sent = random.map((event, at) => ({ ...event, event_id: `random-${at}`, tenant_id: "default" }));
  for (const { url } of [stack, local]) {
    for (let at = 0; at < sent.length; at += 100)
      await postJson(url, "/events/batch", { events: sent.slice(at, at + 100) });
    if (HAS_LOGS) await importLogs(url);
  }
  await stack.settle();
}, 180_000);

afterAll(async () => {
  await stack?.stop();
  await local?.stop(0);
  await store?.close();
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});

interface Pair<Input> {
  readonly input: Input;
  readonly here: unknown;
  readonly there: unknown;
}

/** Asks both services, a few inputs at once. */
async function askBoth<Input>(
  inputs: readonly Input[],
  answer: (service: LocalServer, input: Input) => Promise<unknown>,
): Promise<readonly Pair<Input>[]> {
  const pairs: Pair<Input>[] = [];
  const waiting = [...inputs];
  const work = async (): Promise<void> => {
    for (let input = waiting.pop(); input !== undefined; input = waiting.pop()) {
      const [here, there] = await Promise.all([answer(local, input), answer(stack, input)]);
      pairs.push({ input, here, there });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return pairs;
}

/** The first few that say different things. */
function differences<Input>(pairs: readonly Pair<Input>[]): readonly Pair<Input>[] {
  return pairs.filter(({ here, there }) => JSON.stringify(here) !== JSON.stringify(there)).slice(0, 3);
}

/**
 * Queries in the words of the random events, and in those of the logs. Most are about a part of the time: filters that no
 * index answers make the deployment read every event in it, and DynamoDB Local is slow at that.
 */
function queries(logs: readonly Json[]): readonly Query[] {
  const half = logs.length > 0 ? QUERIES / 2 : QUERIES;
  const random = fc.sample(arbitraryQuery, { numRuns: half, seed: SEED }).map((query, at) => ({
    ...(at % WIDE_EVERY === 0 ? query : { start_time: AFTER_LOGS, ...query }),
    limit: at % PAGED_EVERY === 0 ? query["limit"] : 500,
  }));
  if (logs.length === 0) return random;
  const event = fc.constantFrom(...logs);
  const member = fc.constantFrom("service_name", "user_id", "action", "resource_id", "error_code", "level");
  const list = fc
    .tuple(member, fc.array(event, { minLength: 1, maxLength: 3 }))
    .map(([name, some]) => [`${name}s`, some.flatMap((one) => one[name] ?? [])] as const);
  const place = fc.tuple(fc.nat(logs.length - 1), fc.nat(MAX_WIDTH));
  const ofLogs = fc
    .tuple(fc.array(list, { maxLength: 2 }), place, fc.boolean(), fc.constantFrom(30, 100, 1000))
    .map(([lists, [from, width], order_desc, limit]) => ({
      ...Object.fromEntries(lists.filter(([, values]) => values.length > 0)),
      start_time: logs[from].timestamp,
      end_time: logs[Math.min(from + width, logs.length - 1)].timestamp,
      order_desc,
      limit,
    }));
  const samples = fc.sample(ofLogs, { numRuns: QUERIES - half, seed: SEED });
  return [
    ...random,
    ...samples.map((query, at) => (at % WIDE_EVERY === 0 ? { ...query, ...ALL_TIME } : query)),
  ];
}

/** In ascending order of time. */
async function logEvents(): Promise<readonly Json[]> {
  const all = await wholeAnswer(local, { limit: 1000, order_desc: false });
  return all
    .map((text) => JSON.parse(text))
    .filter(({ metadata }: Json) => metadata.cloudtrail !== undefined);
}

describe(`the deployment and the file store (seed ${SEED})${REASON}`, () => {
  it.runIf(HAS_LOGS)("store imported logs once, however often they are imported", async () => {
    const first = await countOf(stack, {});

    await importLogs(stack.url);
    await stack.settle();

    expect(first).toBe(RANDOM_EVENTS + RECORDS);
    expect(await countOf(stack, {})).toBe(first);
  });

  it(`answer ${QUERIES} queries alike, all pages joined`, async () => {
    const asked = queries(await logEvents());

    expect(asked).toHaveLength(QUERIES);
    expect(differences(await askBoth(asked, wholeAnswer))).toEqual([]);
  }, 180_000);

  it("count alike, where the deployment's read budget lets it count", async () => {
    const asked = queries(await logEvents()).filter((_, at) => at % 10 === 1);

    const counts = await askBoth(asked, countOf);

    const known = counts.filter(({ there }) => there !== null);
    expect(known.length).toBeGreaterThan(0);
    expect(differences(known)).toEqual([]);
  });

  it("give each event alike", async () => {
    const all = (await wholeAnswer(local, { limit: 1000 })).map((text) => String(JSON.parse(text).event_id));

    const found = await askBoth(
      all.filter((_, at) => at % 10 === 0),
      eventById,
    );

    expect(all).toHaveLength(RANDOM_EVENTS + RECORDS);
    expect(differences(found)).toEqual([]);
  });

  it.each(["jsonl", "csv"] as const)("export alike as %s", async (format) => {
    const [here, there] = [await wholeExport(local, format), await wholeExport(stack, format)];

    expect(there.length).toBeGreaterThan(RANDOM_EVENTS);
    expect(there === here).toBe(true); // megabytes: no use to show
  });
});
