/** The measured costs as the Markdown that `npm run cost` prints, and that docs/cost.md quotes. */
import { cpus } from "node:os";
import { FUNCTION_SETTINGS } from "#infra/aws/function-settings.ts";
import { PRICES_AS_OF, PRICES_USD } from "#infra/aws/prices.ts";
import type { CostLine, WorkloadCost } from "#test/bench/cost-model.ts";
import { ASSUMED_WAIT_MS, PROVISIONED_USE, provisionedFactor } from "#test/bench/cost-model.ts";
import type { SealingCost } from "#test/bench/cost-sealing.ts";
import { SEAL_WAIT_MS } from "#test/bench/cost-sealing.ts";
import { CONSUMER_LINES } from "#test/bench/cost-workload.ts";

export interface CostFigures {
  readonly workloads: readonly {
    readonly name: string;
    readonly events: number;
    readonly cost: WorkloadCost;
  }[];
  readonly fixed: readonly CostLine[];
  readonly sealing: SealingCost;
  /** Read units of a page of 100 by what is asked for. */
  readonly pages: readonly { readonly name: string; readonly units: number }[];
}

export function renderCosts({ workloads, fixed, sealing, pages }: CostFigures): string {
  const names = workloads.map(({ name }) => name);
  const whats = workloads[0]?.cost.lines.map(({ what }) => what) ?? [];
  const lineOf = (cost: WorkloadCost, what: string): CostLine | undefined =>
    cost.lines.find((line) => line.what === what);
  const row = (name: string, read: (cost: WorkloadCost) => string): readonly string[] => [
    name,
    ...workloads.map(({ cost }) => read(cost)),
  ];
  const fixedUsd = fixed.reduce((sum, { usd }) => sum + usd, 0);
  return `Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"};
prices of us-east-1 as of ${PRICES_AS_OF}, no free tier. The workloads are of ${workloads.map(({ events }) => count(events)).join(", ")} events,
stored in consumer batches of ${CONSUMER_LINES} lines. US dollars per million events:

${table(
  ["", ...names],
  [
    ...whats.map((what) => row(what, (cost) => dollars(lineOf(cost, what)?.usd ?? 0))),
    row("**on demand**", ({ onDemandUsd }) => `**${dollars(onDemandUsd)}**`),
    row("**provisioned**", ({ provisionedUsd }) => `**${dollars(provisionedUsd)}**`),
    row("90 days in DynamoDB", ({ hotUsd }) => dollars(hotUsd)),
    row("a year in S3 standard", ({ archiveUsd }) => dollars(archiveUsd)),
  ],
)}

${table(
  ["what was counted, per million events", ...names],
  [
    ...whats.map((what) => row(what, (cost) => lineOf(cost, what)?.amount ?? "")),
    row("write units of one event", ({ unitsPerEvent }) => unitsPerEvent.toFixed(2)),
    row("ledger units of one batch", ({ ledgerUnitsPerBatch }) => ledgerUnitsPerBatch.toFixed(2)),
    row("archive bytes of one event", ({ archiveBytesPerEvent }) => archiveBytesPerEvent.toFixed(0)),
  ],
)}

Fixed, per month, whatever the number of events:

${table(
  ["what", "amount", "US dollars"],
  [
    ...fixed.map(({ what, amount, usd }) => [what, amount, dollars(usd)]),
    ["**together**", "", `**${dollars(fixedUsd)}**`],
  ],
)}

Sealing costs the same whatever a seal covers: $${sealing.sealUsd.toFixed(6)} each, and $${sealing.idleUsd.toFixed(6)} for a run that finds nothing.

${table(
  ["one seal", "amount", "US dollars per 1,000 seals"],
  sealing.lines.map(({ what, amount, usd }) => [what, amount, dollars(usd * 1000)]),
)}

${table(
  ["a month of sealing", "US dollars"],
  sealing.months.map(({ what, usd }) => [what, dollars(usd)]),
)}

${table(
  ["page of 100, newest first", "read units", "US dollars per 1,000 pages"],
  pages.map(({ name, units }) => [name, units.toFixed(1), dollars(units * 1000 * PRICES_USD.readUnit)]),
)}

- Write units are those of PutItem of the very items that were stored: DynamoDB Local reports none for PartiQL, by which they
  are inserted; AWS bills both alike. Ledger units are twice what DynamoDB Local reports: a transaction is billed double.
- Lambda time is CPU of this machine (ingest ${FUNCTION_SETTINGS.ingest.memoryMb} MB, consume ${FUNCTION_SETTINGS.consume.memoryMb} MB), stretched where memory buys less than a core,
  and assumed waiting: ${Object.entries(ASSUMED_WAIT_MS)
    .map(([name, ms]) => `${name} ${ms} ms`)
    .join(", ")}. Cold starts are not in it.
  Of the sealer, which waits for most calls one after the other: ${Object.entries(SEAL_WAIT_MS)
    .map(([name, ms]) => `${name} ${ms} ms`)
    .join(", ")}.
- Provisioned: write units at ${provisionedFactor().toFixed(2)} of their price on demand, with auto scaling at ${PROVISIONED_USE * 100} % of what is provisioned; the queue
  takes the peaks. The CDK app deploys on demand.
- Not in it: data out to the internet, and whatever carries requests to the API, such as a domain or VPC endpoints.
`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function dollars(value: number): string {
  return `$${value.toFixed(value < 0.1 ? 4 : 2)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
