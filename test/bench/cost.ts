/**
 * `npm run cost`: what a million events cost, from units, requests, bytes and CPU measured on the synthesized deployment, and
 * dated prices. Needs Java 17. `--data <folder>` names a folder with CloudTrail files, `--write` puts the figures into
 * docs/cost.md. Exits with 1 where a million events in batches of 100 cost more than is promised.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cloudTrailTexts, eventTexts } from "#test/bench/cost-events.ts";
import { measureItems } from "#test/bench/cost-items.ts";
import { costOf, fixedCosts } from "#test/bench/cost-model.ts";
import type { CostFigures } from "#test/bench/cost-report.ts";
import { renderCosts } from "#test/bench/cost-report.ts";
import type { CostStack } from "#test/bench/cost-stack.ts";
import { startCostStack } from "#test/bench/cost-stack.ts";
import type { Workload } from "#test/bench/cost-workload.ts";
import { measureSealing } from "#test/bench/cost-sealing.ts";
import { pageUnits, runWorkload } from "#test/bench/cost-workload.ts";

/** On demand, in batches of 100, every event with user and resource. */
const PROMISED_USD = 2.6;
const EVENTS = 3000;
const WARM_UP_EVENTS = 1000;
const PAGE = "docs/cost.md";
const MEASURED_PART = /(<!-- measured -->\n).*?(<!-- \/measured -->)/s;

interface TenantWorkload extends Workload {
  readonly tenant: string;
}

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/data/cloudtrail" },
    write: { type: "boolean", default: false },
  },
});

function workloads(): readonly TenantWorkload[] {
  const records = cloudTrailTexts(options.data);
  if (records.length === 0) say(`no CloudTrail files in ${options.data}: that workload is left out`);
  return [
    own("batches of 100, full", { mix: "full", eventsPerRequest: 100 }),
    own("batches of 100, mixed", { mix: "mixed", eventsPerRequest: 100 }),
    own("single, full", { mix: "full", eventsPerRequest: 1 }),
    own("single, mixed", { mix: "mixed", eventsPerRequest: 1 }),
    ...(records.length === 0
      ? []
      : [{ name: "batches of 100, CloudTrail", events: records, eventsPerRequest: 100, tenant: "default" }]),
  ];
}

function own(
  name: string,
  { mix, eventsPerRequest }: { readonly mix: "full" | "mixed"; readonly eventsPerRequest: number },
): TenantWorkload {
  const tenant = `${mix}-${eventsPerRequest}`;
  return { name, tenant, eventsPerRequest, events: eventTexts(mix, EVENTS, tenant) };
}

async function measure(stack: CostStack): Promise<CostFigures> {
  say("warming up");
  for (const eventsPerRequest of [100, 1]) {
    const events = eventTexts("full", WARM_UP_EVENTS, "warm-up");
    await runWorkload(stack, { name: "warm-up", events, eventsPerRequest });
  }
  const measured: CostFigures["workloads"][number][] = [];
  for (const { tenant, ...workload } of workloads()) {
    say(workload.name);
    const use = await runWorkload(stack, workload);
    const items = await measureItems(stack, tenant);
    measured.push({ name: workload.name, events: use.events, cost: costOf(use, items, stack.ledgerTable) });
  }
  const pages: CostFigures["pages"][number][] = [];
  for (const [name, filter] of Object.entries(PAGES)) {
    pages.push({ name, units: await pageUnits(stack, { ...filter, tenant_id: "full-100" }) });
  }
  say("sealing");
  const sealing = await measureSealing(stack);
  const { functions, watched } = stack;
  await functions.maintain.invoke({}); // the first one starts it
  functions.maintain.takeUse();
  await functions.maintain.invoke({});
  const maintain = functions.maintain.takeUse();
  return {
    workloads: measured,
    pages,
    sealing,
    fixed: fixedCosts({ maintain, metrics: metricCount(stack), ...watched }),
  };
}

const PAGES = {
  latest: {},
  "one service": { service_names: "billing" },
  "one user": { user_ids: "user-1@example.com" },
  "one resource": { resource_ids: "document-1" },
} as const;

/** Different metrics that the functions have written: each is billed, however often it is written. */
function metricCount({ functions }: CostStack): number {
  const written = Object.values(functions)
    .map((one) => one.written())
    .join("");
  const lists = [...written.matchAll(/"Metrics":\[(.*?)\]/g)].map(([, list = ""]) => list);
  return new Set(lists.flatMap((list) => [...list.matchAll(/"Name":"(\w+)"/g)].map(([, name]) => name))).size;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

say("synthesizing and starting the deployment");
const stack = await startCostStack();
try {
  const figures = await measure(stack);
  const report = renderCosts(figures);
  process.stdout.write(report);
  if (options.write) {
    const page = readFileSync(PAGE, "utf8");
    writeFileSync(
      PAGE,
      page.replace(MEASURED_PART, (_, begin: string, end: string) => `${begin}\n${report}\n${end}`),
    );
  }
  const promised = figures.workloads[0]?.cost.onDemandUsd ?? Number.NaN;
  const isKept = promised <= PROMISED_USD;
  say(
    `batches of 100, full: $${promised.toFixed(2)} per million on demand; promised are $${PROMISED_USD.toFixed(2)}`,
  );
  if (!isKept) process.exitCode = 1;
} finally {
  await stack.stop();
}
