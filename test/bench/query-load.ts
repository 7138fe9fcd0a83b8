/** Times queries over HTTP, one after the other or as readers that ask at a steady pace. */
import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { BUSY_USERS, RARE_USERS, SERVICES } from "#test/bench/events.ts";

export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface QueryTimes {
  readonly name: string;
  readonly times: Percentiles;
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const REPETITIONS = 300;

/** The body of an answer, and how long it took. */
function get(port: number, path: string): Promise<{ readonly body: string; readonly ms: number }> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const call = request({ port, host: "127.0.0.1", path, agent }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => {
        if (response.statusCode === 200) resolve({ body, ms: performance.now() - begun });
        else reject(new Error(`${path}: ${response.statusCode} ${body.slice(0, 300)}`));
      });
    });
    call.on("error", reject);
    call.end();
  });
}

export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Times each kind of query on the store as it is. */
export async function timeQueries(port: number): Promise<QueryTimes[]> {
  const page = await get(port, "/events?limit=1000");
  const ids = [...page.body.matchAll(/"event_id":"([^"]+)"/g)].map((match) => match[1] ?? "");
  const queries: readonly (readonly [string, (turn: number) => string])[] = [
    ["latest page of 100", () => "/events"],
    ["one user, 1 % of all events", (turn) => `/events?user_ids=busy-${turn % (BUSY_USERS / 2)}`],
    [
      "one user, 0.01 % of all events",
      (turn) => `/events?user_ids=rare-${((turn * 37) % (RARE_USERS / 2)) * 2 + 1}`,
    ],
    [
      "service + level",
      (turn) => `/events?service_names=service-${(turn % (SERVICES / 20)) * 20}&levels=ERROR`,
    ],
    ["text in messages, no match (one page of 20,000 lines)", () => "/events?message_contains=nowhere"],
    ["get by id", (turn) => `/events/${ids[(turn * 37) % ids.length]}`],
  ];
  const results: QueryTimes[] = [];
  for (const [name, path] of queries) {
    const samples: number[] = [];
    for (let turn = 0; turn < REPETITIONS + 20; turn++) {
      const { ms } = await get(port, path(turn));
      if (turn >= 20) samples.push(ms);
    }
    results.push({ name, times: percentiles(samples) });
  }
  return results;
}

/** Milliseconds of each page: `readers` clients that each ask for the latest page of 100 every `everyMs`, until `isOver`. */
export async function readSteadily(
  port: number,
  { readers, everyMs, isOver }: { readers: number; everyMs: number; isOver: () => boolean },
): Promise<readonly number[]> {
  const samples: number[] = [];
  const reader = async (): Promise<void> => {
    while (!isOver()) {
      const { ms } = await get(port, "/events");
      samples.push(ms);
      await sleep(Math.max(0, everyMs - ms));
    }
  };
  await Promise.all(Array.from({ length: readers }, reader));
  return samples;
}

export function closeConnections(): void {
  agent.destroy();
}
