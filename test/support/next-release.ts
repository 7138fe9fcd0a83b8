// The release after this one, as far as formats go: the sources of today with version 2 of line, message and item, which it
// writes, while it reads version 1 too. Bundled, so that both releases run in one test.
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { build } from "esbuild";

import type { Release } from "#test/support/release.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Source → what stands there → what the next release has instead. */
const PATCHES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "shared/event/stored-line.ts": [
    ["LINE_VERSION = 1;", "LINE_VERSION = 2;"],
    ['"_v":1,/', '"_v":[12],/'],
  ],
  "shared/event/read-line.ts": [
    ["if (version !== LINE_VERSION) ", "if (version !== LINE_VERSION && version !== 1) "],
  ],
  "shared/event/message.ts": [
    ['LINES_PREFIX = "L1z."', 'LINES_PREFIX = "L2z."'],
    ["PREFIX_VERSION = 1;", "PREFIX_VERSION = 2;"],
    ["if (format !== LINES_PREFIX &&", 'if (format !== "L1z." && format !== LINES_PREFIX &&'],
  ],
  "shared/adapters/aws/event-item.ts": [
    ["ITEM_VERSION = 1;", "ITEM_VERSION = 2;"],
    ["if (version !== String(ITEM_VERSION)) ", 'if (version !== "1" && version !== String(ITEM_VERSION)) '],
  ],
};

/** @param folder for the bundle, empty */
export async function loadNextRelease(folder: string): Promise<Release> {
  const outfile = join(folder, "next-release.mjs");
  const patched = new Set<string>();
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["test/support/release.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    conditions: ["source", "module"],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    // The double of a client tells commands by the names of their classes.
    keepNames: true,
    logLevel: "warning",
    plugins: [patching(patched)],
  });
  const missed = Object.keys(PATCHES).filter((path) => !patched.has(path));
  if (missed.length > 0) throw new Error(`not in the bundle: ${missed.join(", ")}`);
  const loaded: unknown = await import(pathToFileURL(outfile).href);
  // cast: the bundle was made of the file that exports it
  return (loaded as { readonly RELEASE: Release }).RELEASE;
}

function patching(patched: Set<string>): Plugin {
  return {
    name: "next-release",
    setup: (bundler) => {
      bundler.onLoad({ filter: /\.ts$/ }, async (file) => {
        const path = relative(ROOT, file.path);
        const changes = PATCHES[path];
        if (changes === undefined) return undefined;
        patched.add(path);
        const source = await readFile(file.path, "utf8");
        return { loader: "ts", contents: changes.reduce(replaced, source) };
      });
    },
  };
}

function replaced(source: string, [old, next]: readonly [string, string]): string {
  const parts = source.split(old);
  if (parts.length !== 2)
    throw new Error(`${JSON.stringify(old)} is there ${parts.length - 1} times, not once`);
  return parts.join(next);
}
