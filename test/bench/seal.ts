/**
 * `node test/bench/seal.ts`: sealing beside ingest on the file store. How long an event waits for the checkpoint that
 * covers it while 20,000 a second arrive, what sealing takes from ingest at full speed, and how fast a backlog drains.
 * `--quick` takes a fraction of the time.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadResult, Progress } from "#test/bench/load-client.ts";
import { runProgram, startServer } from "#test/bench/processes.ts";

const isQuick = process.argv.includes("--quick");
const OFFERED_RATE = 20_000;
const OFFERED_SECONDS = isQuick ? 8 : 60;
const SPEED_SECONDS = isQuick ? 4 : 12;
/** With sealing and without, in this order so that the drift of a shared machine falls on both. */
const TURNS = isQuick ? ["on", "off", "off", "on"] : ["on", "off", "off", "on", "on", "off", "off", "on"];
const SAMPLE_MS = 20;
const DRAIN_LIMIT_MS = 120_000;
const COVER_P50_S = 10;
const COVER_P99_S = 20;
const MIN_SPEED_SHARE = 0.9;
const MIN_DRAIN_RATE = 60_000;
const SEALING = { on: {}, off: { AUDIT_SEAL_INTERVAL: "0" } } as const;
/** Beside the repository, not in the system's temporary folder, which may be memory: fsync must be real. */
const root = mkdtempSync(join(process.cwd(), ".bench-"));

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Leaves that the published checkpoint covers; -1 before the log was founded. */
function coveredIn(folder: string): number {
  const path = join(folder, "log", "checkpoint");
  return existsSync(path) ? Number(readFileSync(path, "utf8").split("\n", 2)[1]) : -1;
}

async function load(port: number, options: object): Promise<LoadResult> {
  const defaults = { connections: 8, eventsPerRequest: 100, maxEvents: Number.MAX_SAFE_INTEGER };
  // cast: the program prints the result of its one function.
  return (await runProgram("load-client.ts", { ...defaults, port, ...options })) as LoadResult;
}

interface Watch {
  readonly seen: readonly Progress[];
  /** Resolves once `events` are covered; answers when. */
  readonly until: (events: number) => Promise<number>;
  readonly stop: () => void;
}

/** Notes each size that is published, 0 of a log that is founded too. */
function watch(folder: string): Watch {
  const seen: Progress[] = [];
  const timer = setInterval(() => {
    const events = coveredIn(folder);
    if (events > (seen.at(-1)?.events ?? -1)) seen.push({ atMs: Date.now(), events });
  }, SAMPLE_MS);
  const until = async (events: number): Promise<number> => {
    for (
      const limit = performance.now() + DRAIN_LIMIT_MS;
      performance.now() < limit;
      await sleep(SAMPLE_MS)
    ) {
      const covered = seen.find((sample) => sample.events >= events);
      if (covered !== undefined) return covered.atMs;
    }
    throw new Error(`${coveredIn(folder)} of ${events} events were covered after ${DRAIN_LIMIT_MS} ms`);
  };
  return { seen, until, stop: () => clearInterval(timer) };
}

/** Seconds from acknowledgement to publication, one for each portion of events, which are equally many. */
function coverLags(
  acknowledged: readonly Progress[],
  covered: readonly Progress[],
  portion: number,
): number[] {
  const lags: number[] = [];
  const total = acknowledged.at(-1)?.events ?? 0;
  for (let events = portion; events <= total; events += portion) {
    // The sample before: when it was acknowledged is not said later than it was.
    const at = acknowledged.findLast((sample) => sample.events < events) ?? acknowledged[0];
    const publishedAt = covered.find((sample) => sample.events >= events);
    lags.push(((publishedAt?.atMs ?? Number.POSITIVE_INFINITY) - (at?.atMs ?? 0)) / 1000);
  }
  return lags.sort((a, b) => a - b);
}

async function offered(): Promise<boolean> {
  const folder = join(root, "offered");
  const server = await startServer(folder);
  const watching = watch(folder);
  const result = await load(server.port, { eventsPerSecond: OFFERED_RATE, maxSeconds: OFFERED_SECONDS });
  await watching.until(result.events);
  watching.stop();
  await server.stop();
  const lags = coverLags(result.progress, watching.seen, 1000);
  const [p50, p99] = [valueAt(lags, 0.5), valueAt(lags, 0.99)];
  say(
    `offered ${OFFERED_RATE} events/s for ${OFFERED_SECONDS} s: ${Math.round(result.rate)} taken, covered after p50 ${p50.toFixed(1)} s (≤ ${COVER_P50_S}), p99 ${p99.toFixed(1)} s (≤ ${COVER_P99_S}), ${watching.seen.length} checkpoints`,
  );
  return result.rate >= OFFERED_RATE * 0.95 && p50 <= COVER_P50_S && p99 <= COVER_P99_S;
}

interface Run {
  readonly rate: number;
  readonly folder: string;
  readonly events: number;
}

async function fullSpeed(turn: number, sealing: keyof typeof SEALING): Promise<Run> {
  const folder = join(root, `speed-${turn}`);
  const server = await startServer(folder, SEALING[sealing]);
  const { rate, events } = await load(server.port, { maxSeconds: SPEED_SECONDS });
  const covered = coveredIn(folder);
  await server.stop();
  say(
    `  sealing ${sealing}: ${Math.round(rate)} events/s${sealing === "on" ? `, ${covered} of ${events} covered` : ""}`,
  );
  return { rate, folder, events };
}

/** Seals a log on which nothing was sealed yet; counted from its founding, which is the first thing that sealing does. */
async function drain({ folder, events }: Run): Promise<number> {
  const watching = watch(folder);
  const server = await startServer(folder);
  const endMs = await watching.until(events);
  watching.stop();
  await server.stop();
  return (events / (endMs - (watching.seen[0]?.atMs ?? 0))) * 1000;
}

async function speeds(): Promise<boolean> {
  const rates = { on: [] as number[], off: [] as number[] };
  const drains: number[] = [];
  for (const [turn, name] of TURNS.entries()) {
    const sealing = name === "on" ? "on" : "off";
    const run = await fullSpeed(turn, sealing);
    rates[sealing].push(run.rate);
    if (sealing === "off") drains.push(await drain(run));
    rmSync(run.folder, { recursive: true });
  }
  const [on, off, drained] = [median(rates.on), median(rates.off), median(drains)];
  // Of neighbours in time: the speed of a shared machine can double between the first run and the last.
  const shares = rates.on.map((rate, pair) => rate / (rates.off[pair] ?? Number.NaN));
  const share = median(shares);
  say(
    `full speed: ${Math.round(on)} events/s with sealing, ${Math.round(off)} without; share of pairs ${share.toFixed(3)} (≥ ${MIN_SPEED_SHARE}), ${shares.map((each) => each.toFixed(2)).join(", ")}`,
  );
  say(
    `backlog drained at ${Math.round(drained)} leaves/s (≥ ${MIN_DRAIN_RATE}), ${drains.map(Math.round).join(", ")}`,
  );
  return share >= MIN_SPEED_SHARE && drained >= MIN_DRAIN_RATE;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (valueAt(sorted, 0.5) + (sorted[Math.ceil(sorted.length / 2) - 1] ?? 0)) / 2;
}

function valueAt(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

try {
  const isCovered = await offered();
  const isFast = await speeds();
  process.exitCode = isCovered && isFast ? 0 : 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
