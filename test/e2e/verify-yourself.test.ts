// What docs/verify-yourself.md shows works as it stands, on a log of the real service, with nothing of ours; and refuses what
// was altered.
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { startServe } from "#test/support/auditlog.ts";
import { anyEvent } from "#test/support/event-arbitraries.ts";
import { accepted } from "#test/support/event-fixtures.ts";
import { newFolder } from "#test/support/folders.ts";

const DOC = readFileSync(join(import.meta.dirname, "..", "..", "docs", "verify-yourself.md"), "utf8");

/** The code block of a language that holds `part`. */
function block(language: string, part: string): string {
  const blocks = [...DOC.matchAll(/```(\w+)\n(.*?)```/gs)];
  const found = blocks.find((match) => match[1] === language && match[2]?.includes(part));
  if (found?.[2] === undefined) throw new Error(`the document has no ${language} block with ${part}`);
  return found[2];
}

const TOOLS = [
  ["curl", "--version"],
  ["openssl", "version"],
  ["python3", "--version"],
] as const;
/** Where a tool is missing the test is skipped, but not where everything needed has been installed. */
const isMissing =
  process.env["CI"] === undefined && TOOLS.some(([tool, flag]) => spawnSync(tool, [flag]).status !== 0);
if (isMissing) console.warn("docs/verify-yourself.md is not tried: curl, openssl or python3 is missing");

interface SealedFolder {
  readonly folder: string;
  readonly run: (
    program: string,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<string>;
}

const COUNT = 600;

async function sealedFolder(): Promise<SealedFolder> {
  const folder = await newFolder();
  const { url } = await startServe({ folder, env: { AUDIT_SEAL_INTERVAL: "1" } });
  const events = Array.from({ length: COUNT }, (_, n) => ({
    action: "a",
    service_name: "s",
    event_id: `e-${n}`,
  }));
  const headers = { "content-type": "application/json" };
  await fetch(`${url}/events/batch`, { method: "POST", headers, body: JSON.stringify({ events }) });
  await fetch(`${url}/events/e-${COUNT - 1}/proof?wait=20`);
  await writeFile(join(folder, "log.vkey"), await (await fetch(`${url}/log/vkey`)).text());
  return {
    folder,
    run: async (program, args, env = {}) => {
      const options = { cwd: folder, env: { ...process.env, AUDIT_URL: url, EVENT_ID: "e-77", ...env } };
      const { stdout } = await promisify(execFile)(program, args, options);
      return stdout;
    },
  };
}

describe.skipIf(isMissing)("docs/verify-yourself.md", () => {
  it("checks one event with curl, openssl and Python", async () => {
    const { folder, run } = await sealedFolder();
    const shell = ['curl -sS "$AUDIT_URL/events', "checkpoint.body", "openssl"].map((part) =>
      block("sh", part),
    );
    await writeFile(join(folder, "check_event.py"), block("python", "check_event.py"));

    const signed = await run("bash", ["-euc", shell.join("\n")]);
    const proven = await run("python3", ["check_event.py"]);

    expect(signed).toContain("Signature Verified Successfully");
    expect(proven).toMatch(/^audit-service\.local\/[0-9a-f]{16}: the line is leaf 77 of 600\n$/);
  });

  it("computes the content hash of a line, which the sender has as a receipt, with Python", async () => {
    const { folder, run } = await sealedFolder();
    await writeFile(join(folder, "content_hash.py"), block("python", "content_hash.py"));
    const samples = [
      ...fc.sample(anyEvent, { numRuns: 30, seed: 1 }),
      {
        action: "a",
        service_name: "s",
        timestamp: "2026-03-01T12:00:00Z",
        metadata: { small: 1e-7, large: 1e21, "😀": 1, "\uffff": 2 },
      },
    ];
    const lines = samples.map((event) => accepted(event));

    const hashes = await Promise.all(
      lines.map(async ({ text }, n) => {
        await writeFile(join(folder, `${n}.line`), text);
        return run("python3", ["content_hash.py", `${n}.line`]);
      }),
    );

    expect(hashes).toEqual(lines.map(({ contentHash }) => `${contentHash}\n`));
  });

  it("refuses a line and a checkpoint that were altered", async () => {
    const { folder, run } = await sealedFolder();
    const shell = ['curl -sS "$AUDIT_URL/events', "checkpoint.body"].map((part) => block("sh", part));
    await run("bash", ["-euc", shell.join("\n")]);
    await writeFile(join(folder, "check_event.py"), block("python", "check_event.py"));
    await writeFile(
      join(folder, "event.line"),
      (await readFile(join(folder, "event.line"), "utf8")).replace("e-77", "e-78"),
    );
    await writeFile(
      join(folder, "checkpoint.body"),
      (await readFile(join(folder, "checkpoint.body"), "utf8")).replace("600", "601"),
    );

    await expect(run("python3", ["check_event.py"])).rejects.toThrow("the line is not what was sealed");
    await expect(run("bash", ["-euc", block("sh", "openssl")])).rejects.toThrow("Command failed");
  });

  it("checks the whole log, and that it grew, with Python", async () => {
    const { folder, run } = await sealedFolder();
    await writeFile(join(folder, "check_log.py"), block("python", "check_log.py"));
    await run("bash", ["-euc", block("sh", "kept.checkpoint")]);
    const live = join(folder, "audit.jsonl");
    const text = await readFile(live, "utf8");
    const check = (): Promise<string> =>
      run("python3", ["check_log.py", ".", "audit.jsonl"], { OLD: "kept.checkpoint" });

    const whole = await check();
    await writeFile(live, text.replace('"e-300"', '"e-301"'));
    const altered = check();
    await expect(altered).rejects.toThrow("line 301 of audit.jsonl is not what was sealed as leaf 300");
    await writeFile(live, text.split("\n").slice(0, 590).join("\n"));
    const cut = check();

    expect(whole).toMatch(/: 600 lines are what was sealed\n$/);
    await expect(cut).rejects.toThrow("the lines end at leaf 590, the log has 600");
  });
});
