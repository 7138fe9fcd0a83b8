// The published package: packed as npm packs it, unpacked as npm installs it, imported and run with no sources around.
import { execFile } from "node:child_process";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { newFolder } from "#test/support/folders.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);

const PROGRAM = `
import { AuditEventBuilder, createAuditService } from "audit-service";

await using audit = await createAuditService({ filePath: "logs/audit.jsonl" });
await audit.log(new AuditEventBuilder().service("shop").action("user_login").id("e-1"));
console.log((await audit.get("e-1"))?.action);
`;

const SUITES = `
import { eventStoreContract } from "audit-service/testing";
import { eventQueueContract } from "audit-service/testing/queue";
import { expect, it } from "vitest";

const notOpened = () => Promise.reject(new Error("my backend is opened"));
eventStoreContract("my backend", notOpened);
eventQueueContract("my backend", notOpened);
it("is found", () => expect(1).toBe(1));
`;

/** An application that has the package, and what it depends on, in its node_modules. */
async function installPackage(): Promise<string> {
  const folder = await newFolder();
  await run("npm", ["pack", "--loglevel=error", "--pack-destination", folder], { cwd: ROOT });
  const [tarball = ""] = await readdir(folder);
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "audit-service"), { recursive: true });
  const unpack = ["xzf", join(folder, tarball), "--strip-components=1", "-C", join(modules, "audit-service")];
  await run("tar", unpack);
  for (const name of ["@middy", "commander", "uuid", "zod"]) {
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
  return folder;
}

it("works where it is installed: import, types and command line", { timeout: 120_000 }, async () => {
  const cwd = await installPackage();
  const bin = join("node_modules", "audit-service", "infra", "local", "bin.js");
  const env = { PATH: process.env["PATH"], AUDIT_FILE_PATH: join(cwd, "logs", "audit.jsonl") };
  await writeFile(join(cwd, "program.mjs"), PROGRAM);

  const program = await run(process.execPath, ["program.mjs"], { cwd, env });
  const found = await run(process.execPath, [bin, "get", "e-1", "--json"], { cwd, env });
  const version = await run(process.execPath, [bin, "--version"], { cwd, env });
  const types = await readdir(join(cwd, "node_modules", "audit-service", "dist", "infra", "local"));

  expect(program).toEqual({ stdout: "user_login\n", stderr: "" });
  expect(JSON.parse(found.stdout)).toMatchObject({ event_id: "e-1", service_name: "shop" });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(types).toContain("library.d.ts");
});

it("brings the contract suites for someone else's backend", { timeout: 120_000 }, async () => {
  const cwd = await installPackage();
  const contracts = await readdir(join(cwd, "node_modules", "audit-service", "dist", "test", "contract"));
  await symlink(join(ROOT, "node_modules", "vitest"), join(cwd, "node_modules", "vitest"));
  await writeFile(join(cwd, "backend.test.mjs"), SUITES);
  const vitest = join(cwd, "node_modules", "vitest", "vitest.mjs");

  expect(contracts).toEqual(expect.arrayContaining(["event-queue.d.ts", "event-store.d.ts"]));
  const failed = run(process.execPath, [vitest, "run", "--reporter=verbose"], { cwd });

  await expect(failed).rejects.toMatchObject({
    stdout: expect.stringMatching(
      /my backend keeps the contract of EventStore.*my backend keeps the contract of EventQueue/s,
    ),
  });
});
