// Files of several gzip members: all are read, or the file is said not to be.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";
import type { Summary } from "#test/support/import-fixtures.ts";
import { folderWith, line, summaryOf } from "#test/support/import-fixtures.ts";

const IMPORT = ["import", "--format", "jsonl", "--json"];

async function importOf(...parts: Uint8Array[]): Promise<Summary & { readonly code: number }> {
  const folder = await folderWith({ "a.jsonl.gz": Buffer.concat(parts) });
  const { code, stdout } = await createCliHarness().run([...IMPORT, folder]);
  return { ...summaryOf(stdout), code };
}

describe("a compressed file", () => {
  it("is read member by member, with padding behind the last", async () => {
    const { code, total } = await importOf(gzipSync(line("a")), gzipSync(line("b")), Buffer.alloc(512));

    expect([code, total["stored"]]).toEqual([0, 2]);
  });

  it.each([
    ["zeros", Buffer.alloc(512)],
    ["junk", Buffer.from("junk".repeat(100))],
  ])("is not taken for whole where %s stand between its members", async (_, damage) => {
    const first = gzipSync(line("a"));

    const { code, files } = await importOf(first, damage, gzipSync(line("b")));

    expect(code).toBe(1);
    expect(files[0]?.failure).toMatch(/^not read to its end: /);
  });

  it("names the byte behind which it cannot be read", async () => {
    const first = gzipSync(line("a"));

    const { files, total } = await importOf(first, Buffer.alloc(10), gzipSync(line("b")));

    expect(total["stored"]).toBe(1);
    expect(files[0]?.failure).toContain(`what stands behind byte ${first.length} is not gzip`);
  });
});
