// Builds dist/, which is what the published package runs on: Node strips no types under node_modules. Bundles keep
// packages external; declarations are rewritten from # aliases to relative paths, which resolve where they land.
import { execFile } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { promisify } from "node:util";

import { build } from "esbuild";
import * as z from "zod";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

/** Name of the bundle in dist/ → its entry point. */
const BUNDLES = {
  library: "infra/local/library.ts",
  sqs: "infra/local/sqs.ts",
  tlog: "shared/tlog/index.ts",
  auditlog: "infra/local/auditlog.ts",
  main: "infra/local/main.ts",
  "prepare-worker": "infra/local/prepare-worker.ts",
  "seal-worker": "infra/local/seal-worker.ts",
  testing: "test/contract/event-store.ts",
  "testing-queue": "test/contract/event-queue.ts",
};

/** Entry points whose types the package exports. */
const TYPED = [BUNDLES.library, BUNDLES.sqs, BUNDLES.tlog, BUNDLES.testing, BUNDLES["testing-queue"]];

const Manifest = z.object({ imports: z.record(z.string(), z.string()) });

await rm(DIST, { recursive: true, force: true });
await buildBundles();
await buildDeclarations();

async function buildBundles(): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: BUNDLES,
    outdir: DIST,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node24",
    packages: "external",
    conditions: ["source"],
    sourcemap: true,
    logLevel: "warning",
  });
}

/** The compiler takes its files from a configuration, so one is written for it beside its output. */
async function buildDeclarations(): Promise<void> {
  const config = join(DIST, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: ROOT,
    outDir: DIST,
  };
  const files = TYPED.map((path) => join(ROOT, path));
  const settings = { extends: join(ROOT, "tsconfig.json"), compilerOptions, files, include: [] };
  await writeFile(config, JSON.stringify(settings));
  await promisify(execFile)(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
  await rm(config);
  const aliases = await readAliases();
  const emitted = await readdir(DIST, { recursive: true });
  const declarations = emitted.filter((path) => path.endsWith(".d.ts"));
  await Promise.all(declarations.map(async (path) => relinkDeclaration(path, aliases)));
}

/** Points `#lib/x.ts` and `./x.ts` at the emitted neighbour, as `../../shared/lib/x.js`. */
async function relinkDeclaration(path: string, aliases: ReadonlyMap<string, string>): Promise<void> {
  const text = await readFile(join(DIST, path), "utf8");
  const relinked = text.replaceAll(/(\bfrom |\bimport\(|\bimport )"([#.][^"]*)\.ts"/g, (...match) => {
    const [, lead, specifier] = match.map(String);
    return `${lead}"${relink(specifier ?? "", dirname(path), aliases)}.js"`;
  });
  await writeFile(join(DIST, path), relinked);
}

function relink(specifier: string, from: string, aliases: ReadonlyMap<string, string>): string {
  if (specifier.startsWith(".")) return specifier;
  const slash = specifier.indexOf("/") + 1;
  const target = join(aliases.get(specifier.slice(0, slash)) ?? "", specifier.slice(slash));
  const path = relative(from, target).split(sep).join("/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** `#lib/` → `shared/lib/`, as package.json says. */
async function readAliases(): Promise<ReadonlyMap<string, string>> {
  const { imports } = Manifest.parse(JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")));
  return new Map(Object.entries(imports).map(([alias, path]) => [alias.slice(0, -1), path.slice(0, -1)]));
}
