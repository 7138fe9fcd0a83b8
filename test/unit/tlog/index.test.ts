// The library runs where nothing but the language and two text codecs exists, as in any browser.
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
let script = "";
let inputs: readonly string[] = [];

beforeAll(async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["shared/tlog/index.ts"],
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "iife",
    globalName: "tlog",
    conditions: ["source"],
    target: "es2023",
  });
  script = outputFiles[0]!.text;
  inputs = Object.keys(metafile.inputs);
});

describe("audit-service/tlog", () => {
  it("is bundled for browsers from its own files alone", () => {
    expect(inputs.length).toBeGreaterThan(10);
    expect(inputs.filter((path) => !path.startsWith("shared/tlog/"))).toEqual([]);
  });

  it("grows a log, proves a leaf, and checks the proof, in a bare context", () => {
    const context = createContext({ TextEncoder, TextDecoder });
    runInContext(script, context);

    const problem: unknown = runInContext(
      `const entries = new Uint8Array(300 * 32).map((_, at) => at);
      const grown = tlog.appendLeaves({ size: 0n, edge: new Map(), entries, edgeEntries: new Uint8Array(0) });
      const tiles = new Map(grown.tiles.map(({ tile, bytes }) => [tlog.tilePath(tile), bytes]));
      const claim = { index: 7n, size: grown.size, root: grown.root };
      const proof = tlog.proveInclusion({ ...claim, tiles });
      const leafHash = tlog.leafHashes(entries).slice(7 * 32, 8 * 32);
      const body = tlog.formatCheckpoint({ origin: "a", size: grown.size, root: grown.root, extensions: [] });
      const seen = tlog.parseCheckpoint(body);
      [tlog.inclusionProblem({ ...claim, root: seen.root, leafHash, proof }), proof.length, seen.size].map(String).join();`,
      context,
    );

    expect(problem).toBe("undefined,9,300");
  });
});
