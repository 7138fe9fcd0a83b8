/**
 * What sealing costs: calls, units and CPU of seals that cover one batch each, and of runs that find nothing. A seal costs about
 * the same whatever it covers, so its price is that of a month by how often there is one.
 */
import { PRICES_USD } from "#infra/aws/prices.ts";
import { eventTexts } from "#test/bench/cost-events.ts";
import type { FunctionUse } from "#test/bench/cost-lambda.ts";
import type { Counts } from "#test/bench/cost-meter.ts";
import type { CostLine } from "#test/bench/cost-model.ts";
import { BYTES_PER_GB, gbSeconds, rounded } from "#test/bench/cost-model.ts";
import type { CostStack } from "#test/bench/cost-stack.ts";
import { runWorkload } from "#test/bench/cost-workload.ts";

const SEALS = 20;
const EVENTS_PER_SEAL = 100;
/** One call as a function sees it, in the same region; a run makes most of them one after the other. */
export const SEAL_WAIT_MS = { DynamoDB: 10, "S3 write": 40, "S3 read": 20, Sign: 15 } as const;
const MINUTES_PER_MONTH = 730 * 60;
/** As functions/seal/pace.ts has it. */
const BUSY_SEALS_PER_MINUTE = 6;
/** As shared/service/seal.ts has it. */
const RENEWALS_PER_MINUTE = 1 / 10;

export interface SealingCost {
  /** Of one seal. */
  readonly lines: readonly CostLine[];
  readonly sealUsd: number;
  /** Of a run that finds nothing. */
  readonly idleUsd: number;
  /** Of a month, without the keys. */
  readonly months: readonly { readonly what: string; readonly usd: number }[];
}

/** Everything that is stored is sealed on return. */
export async function measureSealing(stack: CostStack): Promise<SealingCost> {
  const { functions, ledgerTable, eventTable } = stack;
  await functions.seal.invoke({}); // founds the log and seals what is there
  const price = (runs: Runs): readonly CostLine[] => linesOf(runs, [ledgerTable, eventTable]);
  const seals = await measureRuns(stack, async (number) => {
    const events = eventTexts("full", EVENTS_PER_SEAL, `seal-${number}`);
    await runWorkload(stack, { name: "seal", events, eventsPerRequest: EVENTS_PER_SEAL });
  });
  const idle = await measureRuns(stack, async () => undefined);
  const lines = price(seals);
  const [sealUsd, idleUsd] = [sum(lines), sum(price(idle))];
  const renewalUsd = RENEWALS_PER_MINUTE * (PRICES_USD.signature + PRICES_USD.objectWrite);
  const month = (what: string, perMinuteUsd: number): SealingCost["months"][number] => ({
    what,
    usd: perMinuteUsd * MINUTES_PER_MONTH,
  });
  return {
    lines,
    sealUsd,
    idleUsd,
    months: [
      month("idle: a run a minute, the time renewed every ten", idleUsd + renewalUsd),
      month("quiet: a seal a minute", sealUsd),
      month("busy: a seal every 10 s", sealUsd * BUSY_SEALS_PER_MINUTE + idleUsd),
    ],
  };
}

interface Runs {
  readonly counts: Counts;
  readonly use: FunctionUse;
}

async function measureRuns(
  { functions, meter }: CostStack,
  prepare: (number: number) => Promise<void>,
): Promise<Runs> {
  const counts = new Map<string, number>();
  functions.seal.takeUse();
  for (let number = 0; number < SEALS; number++) {
    await prepare(number);
    meter.take();
    await functions.seal.invoke({});
    for (const [name, value] of meter.take()) counts.set(name, (counts.get(name) ?? 0) + value);
  }
  return { counts, use: functions.seal.takeUse() };
}

/** Per run. */
function linesOf({ counts, use }: Runs, tables: readonly string[]): readonly CostLine[] {
  const total = (isCounted: (name: string) => boolean): number =>
    [...counts].reduce((all, [name, value]) => all + (isCounted(name) ? value : 0), 0) / SEALS;
  const units = (kind: string): number =>
    total((name) => tables.some((table) => name === `${kind}:${table}`));
  const calls = (...names: readonly string[]): number => total((name) => names.includes(name));
  const dynamoCalls = total((name) =>
    /^(Get|Put|Update|Delete|BatchGet|Query|TransactWrite|Describe).*\.calls$/.test(name),
  );
  const writes = calls("S3PUT.calls", "S3LIST.calls");
  const reads = calls("S3GET.calls", "S3HEAD.calls");
  const signatures = calls("Sign.calls");
  const waitMs =
    dynamoCalls * SEAL_WAIT_MS.DynamoDB +
    (writes + calls("S3DELETE.calls", "S3POST.calls")) * SEAL_WAIT_MS["S3 write"] +
    reads * SEAL_WAIT_MS["S3 read"] +
    signatures * SEAL_WAIT_MS.Sign;
  const line = (what: string, amount: number, price: number): CostLine => {
    return { what, amount: rounded(amount), usd: amount * price };
  };
  return [
    line("S3, PUTs and LISTs", writes, PRICES_USD.objectWrite),
    line("KMS, signatures", signatures, PRICES_USD.signature),
    line("Lambda seal, GB-s", gbSeconds("seal", use.cpuMs / SEALS, waitMs), PRICES_USD.lambdaGbSecond),
    line("DynamoDB, write units", units("write"), PRICES_USD.writeUnit),
    line("DynamoDB, read units", units("read"), PRICES_USD.readUnit),
    line("S3, GETs", reads, PRICES_USD.objectRead),
    line("Lambda, requests", 1, PRICES_USD.lambdaRequest),
    line("CloudWatch logs, bytes", use.logBytes / SEALS, PRICES_USD.logGb / BYTES_PER_GB),
  ];
}

function sum(lines: readonly CostLine[]): number {
  return lines.reduce((all, { usd }) => all + usd, 0);
}
