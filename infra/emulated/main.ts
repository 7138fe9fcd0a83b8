/**
 * `npm run start:emulated`: the AWS deployment on this machine. Synthesizes the CDK app, starts what stands in for AWS, and
 * runs the templates on it until SIGINT or SIGTERM.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { synthesize } from "#infra/emulated/assembly.ts";
import { endpointEnvironment, readEmulatedConfig } from "#infra/emulated/config.ts";
import { startStandIns } from "#infra/emulated/stand-ins.ts";
import type { Emulated } from "#infra/emulated/start-emulated.ts";
import { startEmulated } from "#infra/emulated/start-emulated.ts";
import { AuditServiceError } from "#lib/errors.ts";

const ASSEMBLY = join(import.meta.dirname, "../../cdk.out");
const STAGE = "dev";

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

try {
  await run();
} catch (error) {
  if (!(error instanceof AuditServiceError)) throw error;
  say(`emulated run: ${error.message}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { port } = readEmulatedConfig();
  const signal = new Promise<string>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"]) process.once(name, resolve);
  });
  say("synthesizing the CDK app …");
  await mkdir(ASSEMBLY, { recursive: true });
  await synthesize(ASSEMBLY, STAGE);
  say(
    "starting DynamoDB Local, which listens on all interfaces of this machine, and the stand-ins for SQS, S3 and KMS …",
  );
  const standIns = await startStandIns();
  try {
    const emulated = await startEmulated({
      assembly: ASSEMBLY,
      standIns,
      port,
      onOutput: (text) => process.stdout.write(text),
    });
    // Of this run alone: another one has another port.
    const outputsPath = join(ASSEMBLY, `outputs-${emulated.port}.json`);
    try {
      await writeFile(outputsPath, `${JSON.stringify(emulated.outputs, undefined, 2)}\n`);
      say(banner(emulated, outputsPath));
      say(`${await signal}: finishing what is under way`);
    } finally {
      await rm(outputsPath, { force: true });
      await emulated.stop();
    }
  } finally {
    await standIns.stop();
  }
}

function banner({ url, resources, endpoints }: Emulated, outputsPath: string): string {
  const environment = Object.entries(endpointEnvironment(endpoints)).map(
    ([name, value]) => `${name}=${value}`,
  );
  return [
    "",
    "  Audit Service, emulated: nothing is kept when it ends",
    "",
    `  url      ${url}`,
    `  process  ${process.pid}`,
    ...resources.map(
      ([type, , ref]) =>
        `  ${(type.split("::")[2] ?? "").replace("GlobalTable", "table").toLowerCase().padEnd(8)} ${ref}`,
    ),
    "",
    `  operator commands: ${environment.join(" ")} \\`,
    `    npx auditlog … --outputs ${outputsPath}`,
    "",
  ].join("\n");
}
