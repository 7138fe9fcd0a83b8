// Reads the layers back out of the linter's configuration, so that a test can hold them against the matrix of
// layer-rules.ts: the linter shows a violation while it is typed, the matrix is what counts, and the two must agree.
import { readFile } from "node:fs/promises";
import { join, matchesGlob } from "node:path";

import * as z from "zod";

import { layerOf, mayImport } from "#test/support/architecture/layer-rules.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const RULE = "no-restricted-imports";
const SHARED = ["lib", "tlog", "event", "query", "service", "http", "client", "verify", "cli"];
const ADAPTERS = ["adapters/aws", "adapters/file", "adapters/web"];
/** One file of each layer. */
const PATHS = [...SHARED, ...ADAPTERS]
  .map((name) => `shared/${name}/a.ts`)
  .concat("functions/ingest/app.ts", "functions/ingest/index.ts", "infra/local/a.ts");
/** The layers that an alias reaches, by their alias. */
const TARGETS = [...SHARED, ...ADAPTERS, "functions", "infra", "test"];

const RestrictedImports = z.tuple([
  z.literal("error"),
  z.object({ patterns: z.array(z.object({ regex: z.string() })) }),
]);
const LintConfig = z.object({
  overrides: z.array(
    z.object({ files: z.array(z.string()), rules: z.looseObject({ [RULE]: RestrictedImports.optional() }) }),
  ),
});

/** Every pair of layers on which linter and matrix disagree, in words; empty when they say the same. */
export async function compareLintLayers(): Promise<string[]> {
  const config = LintConfig.parse(JSON.parse(await readFile(join(ROOT, ".oxlintrc.json"), "utf8")));
  return PATHS.flatMap((path) => {
    const layer = layerOf(path) ?? "";
    const patterns = patternsFor(config, path);
    const allows = (target: string): boolean => !patterns.some((regex) => regex.test(`#${target}/b.ts`));
    const wrong = TARGETS.filter((target) => allows(target) !== mayImport(layer, target));
    return wrong.map(
      (target) => `${layer} -> ${target}: the linter ${allows(target) ? "allows" : "forbids"} it`,
    );
  });
}

/** The last override that sets the rule wins. */
function patternsFor({ overrides }: z.infer<typeof LintConfig>, path: string): RegExp[] {
  const matching = overrides.filter(({ files }) => files.some((glob) => matchesGlob(path, glob)));
  const rule = matching.flatMap(({ rules }) => rules[RULE] ?? []).at(-1);
  return typeof rule === "object" ? rule.patterns.map(({ regex }) => new RegExp(regex)) : [];
}
