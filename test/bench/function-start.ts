/**
 * What a cold start of each function costs: CPU to import its bundle, beside bare ones of the same SDK clients, middy and
 * zod that do nothing with them: `plain` as esbuild bundles them by itself, `lean` as functions are bundled. All are
 * imported by turns, each in a process of its own. Run as `node test/bench/function-start.ts [turns, default 15]`.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BuildOptions } from "esbuild";
import { buildSync } from "esbuild";
import type { LambdaName } from "#infra/aws/bundle.ts";
import { bundleFunction, bundleOptions, FUNCTION_NAMES, PROJECT_ROOT } from "#infra/aws/bundle.ts";

/** Of the CPU that the plain bundle takes. */
const MAX_RATIO = 1.15;
const DEFAULT_TURNS = 15;
const KIB = 1024;

/** SDK clients that a function makes at its start. */
const CLIENTS: Readonly<Record<LambdaName, readonly string[]>> = {
  ingest: ["SQS"],
  query: ["DynamoDB"],
  health: ["DynamoDB"],
  consume: ["DynamoDB", "S3", "SQS"],
  maintain: ["DynamoDB", "S3", "SQS"],
  seal: ["DynamoDB", "S3", "KMS"],
  prove: ["DynamoDB"],
  witness: ["DynamoDB", "KMS"],
};

/** What the stack and Lambda would set; nothing of it exists, and nothing is asked for at the start. */
const ENVIRONMENT = {
  AWS_REGION: "us-east-1",
  AUDIT_TABLE_NAME: "events",
  AUDIT_LEDGER_NAME: "ledger",
  AUDIT_QUEUE_URL: "http://127.0.0.1:9/1/lines",
  AUDIT_QUEUE_ARN: "arn:aws:sqs:us-east-1:000000000000:lines",
  AUDIT_INTAKE_URL: "http://127.0.0.1:9/1/intake",
  AUDIT_QUEUE_DLQ_URL: "http://127.0.0.1:9/1/lines-dead",
  AUDIT_INTAKE_DLQ_URL: "http://127.0.0.1:9/1/intake-dead",
  AUDIT_ARCHIVE_BUCKET: "archive",
};

interface Row {
  readonly name: LambdaName;
  readonly bytes: number;
  readonly ownMs: number;
  readonly plainMs: number;
  readonly leanMs: number;
}

const turns = Number(process.argv[2] ?? DEFAULT_TURNS);
const folder = await mkdtemp(join(tmpdir(), "audit-starts-"));
try {
  const rows: Row[] = [];
  for (const name of FUNCTION_NAMES) rows.push(await measure(name));
  print(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(name: LambdaName): Promise<Row> {
  const own = bundleFunction(name, join(folder, name));
  const { alias: _, ...withoutAlias } = bundleOptions(name);
  const bundles = [
    own,
    bundleBare(name, "plain", withoutAlias),
    bundleBare(name, "lean", bundleOptions(name)),
  ];
  const times: number[][] = bundles.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    for (let step = 0; step < bundles.length; step++) {
      const which = (turn + step) % bundles.length; // nobody is always first
      times[which]?.push(await importCpuMs(bundles[which] ?? own));
    }
  }
  const [ownMs = 0, plainMs = 0, leanMs = 0] = times.map(median);
  const { size } = await stat(own);
  return { name, bytes: size, ownMs, plainMs, leanMs };
}

function bundleBare(name: LambdaName, kind: string, settings: BuildOptions): string {
  const outfile = join(folder, `${name}-${kind}`, "index.mjs");
  const clients = CLIENTS[name];
  const imports = clients.map(
    (client) => `import { ${client}Client } from "@aws-sdk/client-${client.toLowerCase()}";`,
  );
  const contents = [
    ...imports,
    'import middy from "@middy/core";',
    'import * as z from "zod";',
    `const clients = [${clients.map((client) => `new ${client}Client({})`).join(", ")}];`,
    "const Input = z.object({ a: z.string() });",
    "export const handler = middy(async (event) => [clients.length, Input.parse(event)]);",
  ].join("\n");
  const { entryPoints: _, ...options } = settings;
  buildSync({ ...options, stdin: { contents, resolveDir: PROJECT_ROOT }, outfile });
  return outfile;
}

/** User and system time of a process of its own while it imports the file. */
async function importCpuMs(path: string): Promise<number> {
  const script = [
    "const before = process.cpuUsage();",
    `await import(${JSON.stringify(path)});`,
    "const { user, system } = process.cpuUsage(before);",
    "process.stdout.write(String((user + system) / 1000));",
  ].join("\n");
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: ENVIRONMENT });
  return Number(stdout);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function print(rows: readonly Row[]): void {
  console.log(`CPU ms to import a bundle, median of ${turns}; the limit is ${MAX_RATIO} × plain`);
  console.log("| function | KiB | own | plain | lean | own ÷ plain | own ÷ lean |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const { name, bytes, ownMs, plainMs, leanMs } of rows) {
    const times = [ownMs, plainMs, leanMs].map((ms) => ms.toFixed(1));
    const ratios = [ownMs / plainMs, ownMs / leanMs].map((ratio) => ratio.toFixed(2));
    console.log(`| ${[name, (bytes / KIB).toFixed(0), ...times, ...ratios].join(" | ")} |`);
    if (ownMs / plainMs > MAX_RATIO) process.exitCode = 1;
  }
}
