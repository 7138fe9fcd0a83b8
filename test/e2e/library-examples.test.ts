// The examples in docs/examples run as they stand, and print what they say.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { newFolder } from "#test/support/folders.ts";
import { startSealingService, startService } from "#test/support/http-service.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "docs", "examples");

async function runExample(name: string, argument: string): Promise<string[]> {
  const args = ["--conditions=source", join(EXAMPLES, name), argument];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

describe("docs/examples", () => {
  it("embedded.ts runs", async () => {
    const lines = await runExample("embedded.ts", await newFolder());

    expect(lines).toEqual([
      expect.stringMatching(/^batch: 1 logged, .*LOUD/),
      "refused: user_id is blank",
      "order: order_placed by alice",
      "of alice: 2 events",
      "health: healthy",
    ]);
  });

  it("http-client.ts runs", async () => {
    const { url } = await startService();

    expect(await runExample("http-client.ts", url)).toEqual([
      "logged: 3",
      "actions: login, data_access, note_changed",
      "export: 4 lines of CSV",
    ]);
  });

  it("receipt.ts runs", async () => {
    const { url } = await startSealingService();

    expect(await runExample("receipt.ts", url)).toEqual([
      "signatures of the log: 1",
      "in the log: yes",
      "leaf 0: transfer_approved",
    ]);
  });
});
