/**
 * Makes one file of each function with everything in it, for the Lambda runtime: by esbuild, offline, without Docker. Used
 * by the CDK app, by tests that hold the sizes, and by whoever runs the very same files elsewhere.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BuildOptions } from "esbuild";
import { buildSync } from "esbuild";
import { openApiJson } from "#http/openapi.ts";

/** The functions of the service by the names of their folders. */
export const SERVICE_FUNCTION_NAMES = [
  "ingest",
  "query",
  "health",
  "consume",
  "maintain",
  "seal",
  "prove",
] as const;
export type ServiceFunctionName = (typeof SERVICE_FUNCTION_NAMES)[number];
/** The witness is deployed by itself. */
export const FUNCTION_NAMES = [...SERVICE_FUNCTION_NAMES, "witness"] as const;
export type LambdaName = (typeof FUNCTION_NAMES)[number];

export const PROJECT_ROOT = join(import.meta.dirname, "../..");
/** Handler as Lambda is told it: `index.mjs`, export `handler`. */
export const HANDLER = "index.handler";

/** Bundled CommonJS asks for `require`, which ECMAScript modules lack. */
const REQUIRE_BANNER =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** Parts of the SDK → what takes their place in a bundle. */
const REPLACED = {
  // Credentials come from the environment in Lambda: the chain of all other sources is a third of the bundle.
  "@aws-sdk/credential-provider-node": join(PROJECT_ROOT, "shared/adapters/aws/lambda-credentials.ts"),
  "@aws-sdk/endpoint-cache": join(PROJECT_ROOT, "infra/aws/bundle-endpoint-cache.ts"),
  "@smithy/core/event-streams": join(PROJECT_ROOT, "infra/aws/bundle-event-streams.ts"),
};

/** Settings of all bundles of functions. */
const COMMON = {
  absWorkingDir: PROJECT_ROOT,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // `platform: node` prefers `main`, which is CommonJS and cannot be shaken.
  mainFields: ["module", "main"],
  // Named, because naming any condition drops the default one, `module`: the SDK would come as CommonJS.
  conditions: ["source", "module"],
  banner: { js: REQUIRE_BANNER },
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

/** How a function is bundled, for whoever wants to look into the bundle. */
export function bundleOptions(name: LambdaName): BuildOptions {
  return {
    ...COMMON,
    alias: REPLACED,
    entryPoints: [join(PROJECT_ROOT, `functions/${name}/index.ts`)],
  };
}

/**
 * Writes `index.mjs` of a function, and for `query` the API's description beside it.
 * @param outFolder exists or is created
 * @returns path of the file
 */
export function bundleFunction(name: LambdaName, outFolder: string): string {
  const outfile = join(outFolder, "index.mjs");
  buildSync({ ...bundleOptions(name), outfile });
  if (name === "query") writeFileSync(join(outFolder, "openapi.json.gz"), gzipSync(openApiJson()));
  return outfile;
}
