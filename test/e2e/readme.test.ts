// What README.md shows works as it stands: its curls against a server, its commands on that server's folder, its program.
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { startServe } from "#test/support/auditlog.ts";
import { newFolder } from "#test/support/folders.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** The first code block of a language that holds `part`. */
function block(language: string, part: string): string {
  const blocks = [...README.matchAll(/```(\w+)\n(.*?)```/gs)];
  const found = blocks.find((match) => match[1] === language && match[2]?.includes(part));
  if (found?.[2] === undefined) throw new Error(`README.md has no ${language} block with ${part}`);
  return found[2];
}

async function bash(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  return stdout;
}

const RECORD = {
  eventID: "6f1c2a9e-0000-4000-8000-000000000001",
  eventTime: "2026-01-01T00:00:00Z",
  eventSource: "s3.amazonaws.com",
  eventName: "GetObject",
  userIdentity: { type: "Root", accountId: "111122223333" },
};

/** Where curl is missing its test is skipped, but not where everything needed has been installed. */
const hasCurl = process.env["CI"] !== undefined || spawnSync("curl", ["--version"]).status === 0;
if (!hasCurl) console.warn("the requests of README.md are not tried: curl is missing");

describe("README.md", () => {
  it.skipIf(!hasCurl)("shows requests that the service answers with success", async () => {
    const { url } = await startServe({ folder: await newFolder() });
    const curls = block("bash", "curl").replaceAll("localhost:8000", new URL(url).host);

    const output = await bash(curls.replaceAll("curl -s ", "curl -sS -w '\\n%{http_code}\\n' "), {});

    const codes = [...output.matchAll(/^(\d{3})$/gm)].map((match) => match[1]);
    expect(codes).toEqual(["202", "202", "200", "200", "200", "202", "200"]);
    expect(output).toContain('"status":"healthy"');
    expect(output).toContain('"events":3');
  });

  it.skipIf(!hasCurl)("shows how an event and a log are verified", async () => {
    const folder = await newFolder();
    mkdirSync(join(folder, "logs"));
    const server = await startServe({ folder: join(folder, "logs") });
    const { host } = new URL(server.url);
    const login = block("bash", "curl").split("\n\n")[0] ?? "";
    const commands = block("bash", "log.vkey")
      .replaceAll("npx auditlog", `"${process.execPath}" "${join(ROOT, "infra/local/bin.js")}"`)
      .replaceAll("verify logs", "verify logs --state seen");

    const output = await bash(`cd "${folder}"\n${login}\n${commands}`.replaceAll("localhost:8000", host), {});

    expect(output.match(/(?<!not )verified: /g)).toHaveLength(2);
    expect(output).toContain('"leaf_index":0');
    expect(readFileSync(join(folder, "today.checkpoint"), "utf8")).toContain("\n1\n");
  });

  it("shows commands that do what it says", async () => {
    const folder = await newFolder();
    writeFileSync(join(folder, "trail.json"), JSON.stringify({ Records: [RECORD] }));
    const commands = block("bash", "npx auditlog send")
      .replaceAll("npx auditlog", `"${process.execPath}" infra/local/bin.js`)
      .replaceAll("<folder>", folder);

    const output = await bash(commands, { AUDIT_FILE_PATH: join(folder, "audit.jsonl") });

    expect(output).toContain("ada");
    expect(output).toContain("Usage:");
  });

  it("shows a program that runs", async () => {
    const folder = await newFolder();
    const program = join(ROOT, "docs", "examples", `.readme-${process.pid}.ts`); // where "audit-service" is this package
    onTestFinished(() => rmSync(program, { force: true }));
    writeFileSync(program, block("ts", "createAuditService"));

    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", program], {
      env: { ...process.env, AUDIT_FILE_PATH: join(folder, "audit.jsonl") },
    });

    expect(stdout).toBe("1\n");
  });
});
