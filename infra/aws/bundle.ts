/**
 * Makes one file of each function with everything in it, for the Lambda runtime: by esbuild, offline, without Docker. Used
 * by the CDK app, by tests that hold the sizes, and by whoever runs the very same files elsewhere.
 */
import { join } from "node:path";
import type { BuildOptions } from "esbuild";
import { buildSync } from "esbuild";

/** Functions by the name of their folder, with the size that their file may have. */
export const FUNCTION_NAMES = ["ingest", "query", "health", "consume", "maintain"] as const;
export type LambdaName = (typeof FUNCTION_NAMES)[number];

export const PROJECT_ROOT = join(import.meta.dirname, "../..");
/** Handler as Lambda is told it: `index.mjs`, export `handler`. */
export const HANDLER = "index.handler";

/** Bundled CommonJS asks for `require`, which ECMAScript modules lack. */
const REQUIRE_BANNER =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** Settings of all bundles of functions. `platform: node` prefers `main`, which is CommonJS and cannot be shaken. */
export const BUNDLE_OPTIONS = {
  absWorkingDir: PROJECT_ROOT,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node24",
  mainFields: ["module", "main"],
  conditions: ["source"],
  banner: { js: REQUIRE_BANNER },
  legalComments: "none",
  logLevel: "warning",
  // Credentials come from the environment in Lambda: the chain of all other sources is a third of the bundle.
  alias: {
    "@aws-sdk/credential-provider-node": join(PROJECT_ROOT, "shared/adapters/aws/lambda-credentials.ts"),
  },
} as const satisfies BuildOptions;

/**
 * Writes `index.mjs` of a function.
 * @param outFolder exists or is created
 * @returns path of the file
 */
export function bundleFunction(name: LambdaName, outFolder: string): string {
  const outfile = join(outFolder, "index.mjs");
  buildSync({ ...BUNDLE_OPTIONS, entryPoints: [join(PROJECT_ROOT, `functions/${name}/index.ts`)], outfile });
  return outfile;
}
