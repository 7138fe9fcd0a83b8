// Runs compiler, linter and knip, under the project's own configuration, over a small project of violations. Shows
// that the house rules which these tools hold are switched on and can fail: a tool that checks nothing reports nothing.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import * as z from "zod";

export interface ToolSample {
  readonly rule: string;
  readonly path: string;
  readonly text: string;
  /** What some tool must say about `path`: an error of the compiler, a rule of the linter, an issue of knip. */
  readonly expected: string;
}

const ROOT = join(import.meta.dirname, "..", "..", "..");
const SETTINGS = ["package.json", "tsconfig.json", ".oxlintrc.json", "knip.json", ".gitignore"];

const ROWS: readonly (readonly [rule: string, path: string, text: string, expected: string])[] = [
  ["8 layers", "shared/event/layer.ts", 'import "#service/ports.ts";', "eslint(no-restricted-imports)"],
  ["8 aliases", "shared/event/climb.ts", 'import "../lib/bytes.ts";', "eslint(no-restricted-imports)"],
  ["8 cycles", "shared/event/cycle.ts", 'export * from "./cycle.ts";', "import(no-self-import)"],
  ["14 any", "shared/lib/any.ts", "export const a: any = 1;", "typescript(no-explicit-any)"],
  [
    "14 unsafe",
    "shared/lib/unsafe.ts",
    "export const a = JSON.parse('1').b;",
    "typescript(no-unsafe-member-access)",
  ],
  [
    "14 !",
    "shared/lib/bang.ts",
    "export const f = (a?: string): string => a!;",
    "typescript(no-non-null-assertion)",
  ],
  [
    "14 <T>x",
    "shared/lib/angle.ts",
    "export const f = (a: unknown): string => <string>a;",
    "typescript(consistent-type-assertions)",
  ],
  ["14 erasable", "shared/lib/enum.ts", "export enum A { B }", "TS1294"],
  [
    "14 indexed access",
    "shared/lib/index-access.ts",
    "export const f = (a: string[]): number => a[0].length;",
    "TS2532",
  ],
  ["14 optional", "shared/lib/optional.ts", "export const a: { b?: string } = { b: undefined };", "TS2375"],
  [
    "14 type imports",
    "shared/lib/type-import.ts",
    'import { A } from "./b.ts";\nexport type B = A;',
    "TS1484",
  ],
  [
    "17 return type",
    "shared/lib/return-type.ts",
    "export function f(a: number) { return a; }",
    "typescript(explicit-module-boundary-types)",
  ],
  [
    "17 of methods",
    "shared/lib/method.ts",
    "export class A { b() { return 1; } }",
    "typescript(explicit-module-boundary-types)",
  ],
  ["24 floating", "shared/lib/floating.ts", "Promise.resolve(1);", "typescript(no-floating-promises)"],
  ["24 void", "shared/lib/void.ts", "void Promise.resolve(1);", "typescript(no-floating-promises)"],
  [
    "24 misused",
    "shared/lib/misused.ts",
    "if (Promise.resolve(1)) { throw new Error('a'); }",
    "typescript(no-misused-promises)",
  ],
  ["27 default", "shared/lib/default.ts", "export default 1;", "import(no-default-export)"],
  ["34 environment", "shared/service/env.ts", "export const a = process.env;", "node(no-process-env)"],
  ["56 node:", "shared/service/builtin.ts", 'import "fs";', "unicorn(prefer-node-protocol)"],
  [
    "55 zod",
    "shared/event/zod.ts",
    'import { z } from "zod";\nexport const A = z.string();',
    "unicorn(import-style)",
  ],
  ["28 export", "shared/lib/b.ts", "export type A = string;\nexport const unused = 1;", "knip exports"],
  ["28 file", "shared/lib/unused.ts", "export const a = 1;", "knip files"],
];

export const TOOL_SAMPLES: readonly ToolSample[] = ROWS.map(([rule, path, text, expected]) => ({
  rule,
  path,
  text,
  expected,
}));

/** Writes the samples to a temporary folder and returns, for each file, all that the tools say about it. */
export async function runTools(samples: readonly ToolSample[]): Promise<ReadonlySet<string>> {
  const folder = await mkdtemp(join(tmpdir(), "audit-rules-"));
  try {
    await Promise.all(SETTINGS.map(async (name) => cp(join(ROOT, name), join(folder, name))));
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await Promise.all(samples.map(async ({ path, text }) => writeSample(join(folder, path), text)));
    await writeSample(
      join(folder, "infra/local/main.ts"),
      'import type { A } from "#lib/b.ts";\nexport type B = A;',
    );
    const found = await Promise.all([runLinter(folder), runCompiler(folder), runKnip(folder)]);
    return new Set(found.flat());
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeSample(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `// A sample of what a tool has to report.\n${text}\n`);
}

const LintReport = z.object({ diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })) });
const KnipReport = z.object({ issues: z.array(z.looseObject({ file: z.string() })) });

async function runLinter(folder: string): Promise<string[]> {
  const report = LintReport.parse(JSON.parse(await run("oxlint", ["--format=json"], folder)));
  return report.diagnostics.map(({ code, filename }) => `${filename}: ${code}`);
}

async function runCompiler(folder: string): Promise<string[]> {
  const output = await run("tsc", ["--noEmit", "--pretty", "false"], folder);
  return [...output.matchAll(/^(\S+)\(\d+,\d+\): error (TS\d+)/gm)].map(
    ([, path, code]) => `${path}: ${code}`,
  );
}

async function runKnip(folder: string): Promise<string[]> {
  const report = KnipReport.parse(JSON.parse(await run("knip", ["--reporter", "json"], folder)));
  return report.issues.flatMap(({ file, ...issues }) =>
    Object.entries(issues).flatMap(([kind, list]) =>
      Array.isArray(list) && list.length > 0 ? [`${file}: knip ${kind}`] : [],
    ),
  );
}

/** Standard output of a tool, whose exit status says only that it found something, as it should. */
async function run(tool: string, parameters: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(ROOT, "node_modules/.bin", tool), parameters, { cwd }, (_error, stdout) => resolve(stdout));
  });
}
