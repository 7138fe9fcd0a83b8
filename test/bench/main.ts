/**
 * `npm run bench`: ingest, queries, memory and start of the embedded service, each beside what it is compared with,
 * printed and written to docs/benchmarks.md, whose part about AWS stays. `--quick` takes a tenth of the events and time and
 * writes nothing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadOptions, LoadResult } from "#test/bench/load-client.ts";
import { runProgram, startServer } from "#test/bench/processes.ts";
import type { QueryTimes } from "#test/bench/query-load.ts";
import { closeConnections, percentiles, readSteadily, timeQueries } from "#test/bench/query-load.ts";
import type { Figures } from "#test/bench/report.ts";
import { renderReport } from "#test/bench/report.ts";

const isQuick = process.argv.includes("--quick");
const SIZES = isQuick ? [1000, 10_000, 100_000] : [10_000, 100_000, 1_000_000];
const SUSTAINED_SECONDS = isQuick ? 3 : 20;
const READER_TURNS = 4;
const BASELINE_SECONDS = isQuick ? 3 : 10;
/** Beside the repository, not in the system's temporary folder, which may be memory: fsync must be real. */
const folder = mkdtempSync(join(process.cwd(), ".bench-"));

const PAGE = "docs/benchmarks.md";
const AWS_PART = "\n## On AWS\n";

/** What stands on the page about AWS, which other programs measure. */
function awsPart(): string {
  const page = readFileSync(PAGE, "utf8");
  return page.includes(AWS_PART) ? page.slice(page.indexOf(AWS_PART)) : "";
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function load(options: Partial<LoadOptions> & { readonly port: number }): Promise<LoadResult> {
  const defaults = {
    connections: 8,
    eventsPerRequest: 100,
    maxSeconds: 600,
    maxEvents: Number.MAX_SAFE_INTEGER,
  };
  // cast: the program prints the result of its one function.
  const result = (await runProgram("load-client.ts", { ...defaults, ...options })) as LoadResult;
  say(
    `  ${Math.round(result.rate)} events/s, request p50 ${result.latencyP50Ms.toFixed(1)} ms, p99 ${result.latencyP99Ms.toFixed(1)} ms`,
  );
  return result;
}

async function baseline(): Promise<number> {
  const rate = Number(
    await runProgram("raw-baseline.ts", { path: join(folder, "raw"), seconds: BASELINE_SECONDS }),
  );
  rmSync(join(folder, "raw"), { force: true });
  say(`  ${Math.round(rate)} events/s`);
  return rate;
}

/** By turns, because the speed of a shared machine drifts. */
async function besideReaders(port: number): Promise<Pick<Figures, "alone" | "beside" | "pages">> {
  const [alone, beside]: [LoadResult[], LoadResult[]] = [[], []];
  const pages: number[] = [];
  for (let turn = 0; turn < READER_TURNS; turn++) {
    alone.push(await load({ port, maxSeconds: SUSTAINED_SECONDS / 4 }));
    let isOver = false;
    const reading = readSteadily(port, { readers: 4, everyMs: 100, isOver: () => isOver });
    beside.push(await load({ port, maxSeconds: SUSTAINED_SECONDS / 4 }));
    isOver = true;
    pages.push(...(await reading));
  }
  return { alone, beside, pages: percentiles(pages) };
}

async function measure(): Promise<Figures> {
  let server = await startServer(folder);
  const queries: { size: number; times: QueryTimes[] }[] = [];
  let size = 0;
  for (const next of SIZES) {
    say(`filling up to ${next} events`);
    await load({ port: server.port, maxEvents: next - size });
    size = next;
    queries.push({ size, times: await timeQueries(server.port) });
  }
  const peakRssBytes = server.peakRssBytes();
  await server.stop();
  say(`start with ${size} events`);
  server = await startServer(folder);
  const { startMs } = server;

  say("raw baseline");
  const baselines = [await baseline()];
  say(`batches of 100, ${SUSTAINED_SECONDS} s, 8 connections`);
  const batch = await load({ port: server.port, maxSeconds: SUSTAINED_SECONDS });
  say("raw baseline again");
  baselines.push(await baseline());
  say(`single events, ${SUSTAINED_SECONDS} s, 32 connections`);
  const single = await load({
    port: server.port,
    maxSeconds: SUSTAINED_SECONDS,
    connections: 32,
    eventsPerRequest: 1,
  });

  say("batches of 100 alone and beside 4 readers, by turns");
  const { alone, beside, pages } = await besideReaders(server.port);
  const endRssBytes = server.peakRssBytes();
  await server.stop();
  closeConnections();
  return {
    size,
    queries,
    baselines,
    batch,
    single,
    alone,
    beside,
    pages,
    peakRssBytes,
    endRssBytes,
    startMs,
  };
}

try {
  const report = renderReport(await measure());
  process.stdout.write(report);
  if (!isQuick) writeFileSync(PAGE, report + awsPart());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
