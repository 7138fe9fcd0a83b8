/** The benchmark's figures as the Markdown page docs/benchmarks.md. */
import { cpus, totalmem } from "node:os";
import type { LoadResult } from "#test/bench/load-client.ts";
import type { Percentiles, QueryTimes } from "#test/bench/query-load.ts";

export interface Figures {
  /** Events stored when queries, memory and start were measured. */
  readonly size: number;
  readonly queries: readonly { readonly size: number; readonly times: readonly QueryTimes[] }[];
  /** Raw rates before and after the batch run. */
  readonly baselines: readonly number[];
  readonly batch: LoadResult;
  readonly single: LoadResult;
  /** Runs by turns. */
  readonly alone: readonly LoadResult[];
  readonly beside: readonly LoadResult[];
  readonly pages: Percentiles;
  readonly peakRssBytes: number;
  readonly endRssBytes: number;
  readonly startMs: number;
}

const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

function megabytes(bytes: number): string {
  return `${count.format(bytes / 1e6)} MB`;
}

export function renderReport(figures: Figures): string {
  const { batch, single, baselines, alone, beside, pages } = figures;
  const endSize = [batch, single, ...alone, ...beside].reduce(
    (sum, { events }) => sum + events,
    figures.size,
  );
  const raw = baselines.reduce((sum, each) => sum + each, 0) / baselines.length;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${count.format(totalmem() / 2 ** 30)} GiB`;
  const rows = [
    ["batches of 100, 8 connections", rate(batch), `${(batch.rate / raw).toFixed(2)} × raw baseline`],
    ["single events, 32 connections", rate(single), `${(single.rate / raw).toFixed(2)} × raw baseline`],
    [
      "raw baseline, before and after",
      baselines.map((value) => `${count.format(value)}/s`).join(" and "),
      "1",
    ],
    [
      `batches alone and beside 4 readers, ${alone.length} times by turns`,
      `${count.format(meanRate(alone))}/s and ${count.format(meanRate(beside))}/s`,
      `${(meanRate(beside) / meanRate(alone)).toFixed(2)} × alone`,
    ],
  ];
  const latencies = [
    ["batch request", batch],
    ["single request", single],
  ] as const;
  return `# Benchmarks

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${machine}. Absolute figures are of this
machine, which is shared; the ratios are of one run. Server and client are processes of their own on the same machine.
Events are 575 bytes and durable (written and fsynced) when they count.

## Ingest on a store that holds ${count.format(figures.size)} events

The raw baseline parses, validates, hashes, appends and fsyncs the same batches in one process, without server, index,
deduplication or answers, and prepares one batch while the last one is being written.

${table(["what", "durable events", "ratio"], rows)}

${table(
  ["request", "p50", "p99"],
  latencies.map(([name, result]) => [name, ms(result.latencyP50Ms), ms(result.latencyP99Ms)]),
)}

Pages of 100 that the 4 readers ask for every 100 ms beside the writers: p50 ${ms(pages.p50Ms)}, p99 ${ms(pages.p99Ms)}.

## Queries over HTTP, one after the other

A page holds up to 100 events; a rare user has one event at 10,000 and a hundred at a million, and the answer grows so.

${queryTable(figures)}

## Memory and start

| what | figure |
| --- | --- |
| peak resident memory of the server, filled to ${count.format(figures.size)} events and queried | ${megabytes(figures.peakRssBytes)} |
| the same after all ingest runs above, at ${count.format(endSize)} events | ${megabytes(figures.endRssBytes)} |
| start with ${count.format(figures.size)} events, process to first answer | ${(figures.startMs / 1000).toFixed(1)} s |
`;
}

function meanRate(results: readonly LoadResult[]): number {
  const total = (read: (result: LoadResult) => number): number =>
    results.reduce((sum, result) => sum + read(result), 0);
  return total(({ events }) => events) / total(({ seconds }) => seconds);
}

function rate(result: LoadResult): string {
  return `${count.format(result.rate)}/s`;
}

function queryTable({ queries }: Figures): string {
  const names = queries[0]?.times.map(({ name }) => name) ?? [];
  const sizes = queries.map(({ size }) => `${count.format(size)} events, p50 / p99`);
  const cell = (size: number, name: string): Percentiles => {
    const found = queries.find((query) => query.size === size)?.times.find((time) => time.name === name);
    return found?.times ?? { p50Ms: Number.NaN, p99Ms: Number.NaN };
  };
  const first = queries[0]?.size ?? 0;
  const last = queries.at(-1)?.size ?? 0;
  const rows = names.map((name) => [
    name,
    ...queries.map(({ size }) => `${ms(cell(size, name).p50Ms)} / ${ms(cell(size, name).p99Ms)}`),
    `${(cell(last, name).p50Ms / cell(first, name).p50Ms).toFixed(2)} ×`,
  ]);
  return table(["query", ...sizes, "p50 growth"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
