// Assemblies as `cdk synth` writes them, but of one's own templates: for what the interpreter of templates is asked.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newFolder } from "#test/support/folders.ts";

export type Resources = Readonly<Record<string, { readonly Type: string; readonly Properties?: object }>>;

export interface SmallStack {
  readonly Resources: Resources;
  readonly Outputs?: object;
  readonly Conditions?: object;
}

/** Code of a function's asset → key of the asset. */
export type Codes = Readonly<Record<string, string>>;

/** Writes an assembly; functions are given as texts of `index.mjs`, by the name of their asset. */
export async function smallAssembly(
  stacks: Readonly<Record<string, SmallStack>>,
  codes: Codes = {},
): Promise<string> {
  const folder = await newFolder();
  const artifacts: Record<string, object> = {};
  const files: Record<string, object> = {};
  for (const [name, code] of Object.entries(codes)) {
    await mkdir(join(folder, `asset.${name}`));
    await writeFile(join(folder, `asset.${name}`, "index.mjs"), code);
    files[name] = {
      source: { path: `asset.${name}`, packaging: "zip" },
      destinations: { here: { objectKey: `${name}.zip` } },
    };
  }
  for (const [name, template] of Object.entries(stacks)) {
    await writeFile(join(folder, `${name}.template.json`), JSON.stringify(template));
    await writeFile(join(folder, `${name}.assets.json`), JSON.stringify({ files }));
    artifacts[name] = {
      type: "aws:cloudformation:stack",
      properties: { templateFile: `${name}.template.json` },
    };
  }
  await writeFile(join(folder, "manifest.json"), JSON.stringify({ artifacts }));
  return folder;
}

/** A function of an asset, in a template. */
export function functionResource(asset: string, variables: object = {}): Resources[string] {
  return {
    Type: "AWS::Lambda::Function",
    Properties: {
      Code: { S3Bucket: "assets", S3Key: `${asset}.zip` },
      Handler: "index.handler",
      Runtime: "nodejs24.x",
      Role: "none",
      Environment: { Variables: variables },
    },
  };
}
