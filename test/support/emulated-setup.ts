// Before the tests of the project "emulated": synthesizes the CDK app once and starts the stand-ins once, for all files.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { synthesize } from "#infra/emulated/assembly.ts";
import type { Endpoints } from "#infra/emulated/config.ts";
import { hasJava } from "#infra/emulated/dynamodb-local.ts";
import { startStandIns } from "#infra/emulated/stand-ins.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** What `startService` starts. */
    readonly target: "local" | "emulated";
    /** Folder with the synthesized app, and the stand-ins; undefined where Java is missing. */
    readonly emulation: { readonly assembly: string; readonly endpoints: Endpoints } | undefined;
  }
}

/** Without Java the tests are skipped, but not where everything needed has been installed. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!hasJava() && process.env["CI"] !== "true") {
    project.provide("emulation", undefined);
    return undefined;
  }
  const assembly = await mkdtemp(join(tmpdir(), "audit-synth-"));
  const [standIns] = await Promise.all([startStandIns(), synthesize(assembly, "dev")]);
  project.provide("emulation", { assembly, endpoints: standIns.endpoints });
  return async () => {
    await standIns.stop();
    await rm(assembly, { recursive: true, force: true });
  };
}
