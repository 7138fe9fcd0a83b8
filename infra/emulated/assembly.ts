/**
 * What `cdk synth` writes, read: the templates of an app's stacks, and the folders of the assets that their functions
 * consist of. Also runs the app to have it written.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { synthEnvironment } from "#infra/emulated/config.ts";
import { Template } from "#infra/emulated/template.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface SynthesizedStack {
  readonly name: string;
  readonly template: Template;
  /** Key of an asset in the bucket of the bootstrap, such as `<hash>.zip` → folder with its files. */
  readonly assets: ReadonlyMap<string, string>;
}

const PROJECT_ROOT = join(import.meta.dirname, "../..");

const CdkSettings = z.object({ app: z.string(), context: z.record(z.string(), z.unknown()).default({}) });
const Manifest = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z
        .object({ templateFile: z.string().optional(), stackName: z.string().optional() })
        .optional(),
    }),
  ),
});
const AssetManifest = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string(), packaging: z.string() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

/**
 * Runs the CDK app that cdk.json names, offline.
 * @param stage which of the app's stages
 * @throws AuditServiceError `invalid-configuration` where the app fails, with its words
 */
export async function synthesize(outFolder: string, stage: string): Promise<void> {
  const { app, context } = CdkSettings.parse(readJson(join(PROJECT_ROOT, "cdk.json")));
  const [, ...words] = app.split(" "); // the first one is node
  const child = spawn(process.execPath, words, {
    cwd: PROJECT_ROOT,
    env: synthEnvironment(outFolder, { ...context, stage }),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  await once(child, "close");
  const code = child.exitCode;
  if (code !== 0) throw new AuditServiceError("invalid-configuration", `${app} ends with ${code}: ${said}`);
}

/** @throws AuditServiceError `invalid-configuration` where a template has parts that are not known here */
export function readAssembly(folder: string): readonly SynthesizedStack[] {
  const { artifacts } = Manifest.parse(readJson(join(folder, "manifest.json")));
  return Object.entries(artifacts).flatMap(([id, { type, properties }]) => {
    if (type !== "aws:cloudformation:stack" || properties?.templateFile === undefined) return [];
    const name = properties.stackName ?? id;
    const parsed = Template.safeParse(readJson(join(folder, properties.templateFile)));
    if (!parsed.success) {
      throw new AuditServiceError("invalid-configuration", `${name}: ${z.prettifyError(parsed.error)}`);
    }
    return [{ name, template: parsed.data, assets: readAssets(folder, id) }];
  });
}

function readAssets(folder: string, artifactId: string): ReadonlyMap<string, string> {
  const { files } = AssetManifest.parse(readJson(join(folder, `${artifactId}.assets.json`)));
  return new Map(
    Object.values(files)
      .filter(({ source }) => source.packaging === "zip")
      .flatMap(({ source, destinations }) =>
        Object.values(destinations).map(({ objectKey }) => [objectKey, join(folder, source.path)]),
      ),
  );
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
