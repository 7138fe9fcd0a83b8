// What the real service seals verifies with the real command line, from its files, over HTTP, and one event at a time; what
// is altered behind the back of the service is refused and named.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ProgramEnd } from "#test/support/auditlog.ts";
import { auditlog, startServe } from "#test/support/auditlog.ts";
import { isCompressed, newFolder, untilFiles } from "#test/support/folders.ts";

interface Sealed {
  readonly folder: string;
  readonly url: string;
  readonly key: string;
  readonly ids: readonly string[];
  readonly run: (...args: readonly string[]) => Promise<ProgramEnd>;
  readonly stop: () => Promise<void>;
}

const COUNT = 3000;
const MESSAGE = "m".repeat(400);

/** A service with compressed, rotated and live files, all of whose events are sealed. */
async function sealedService(env: Readonly<Record<string, string>> = {}): Promise<Sealed> {
  const folder = await newFolder();
  const service = await startServe({
    folder,
    env: { AUDIT_SEAL_INTERVAL: "1", AUDIT_MAX_FILE_SIZE_MB: "1", AUDIT_BACKUP_COUNT: "1", ...env },
  });
  const ids: string[] = [];
  for (let sent = 0; sent < COUNT; sent += 1000) {
    const events = Array.from({ length: 1000 }, (_, n) => ({
      action: "user_login",
      service_name: "auth",
      message: `${sent + n} ${MESSAGE}`,
    }));
    const body = JSON.stringify({ events });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${service.url}/events/batch`, { method: "POST", headers, body });
    const { event_ids } = (await answer.json()) as { event_ids: string[] };
    ids.push(...event_ids);
  }
  const last = await fetch(`${service.url}/events/${ids.at(-1)}/proof?wait=20`);
  expect(last.status).toBe(200);
  const state = { XDG_STATE_HOME: join(folder, "state") };
  return {
    folder,
    url: service.url,
    key: join(folder, "log", "vkeys"),
    ids,
    run: (...args) => auditlog(args, { folder, env: state }),
    stop: async () => {
      service.child.kill("SIGTERM");
      await service.end;
    },
  };
}

describe("a log of the real service", () => {
  it("verifies from its files while it runs, over HTTP, and after it has stopped", async () => {
    const { folder, url, key, run, stop } = await sealedService();
    await untilFiles(folder, (names) => isCompressed(names, 1));

    const fromFiles = await run("verify", folder, "--key", key);
    const overHttp = await run("verify", "--url", url, "--key", key);
    await stop();
    const stopped = await run("verify", "--file", join(folder, "audit.jsonl"), "--key", key);

    expect(fromFiles.stdout).toMatch(/^verified: audit-service\.local\/[0-9a-f]{16}, 3,000 leaves\n/);
    expect(fromFiles.stdout).toContain("3,000 checked");
    expect(fromFiles.stdout).toMatch(/seen fresh {3}-?\d+ s ago/);
    expect(overHttp.stdout).toContain("not checked: a server gives no lines by leaf");
    expect(overHttp.stdout).toContain("grew from    3,000 leaves");
    expect([fromFiles.code, overHttp.code, stopped.code]).toEqual([0, 0, 0]);
  });

  it("proves each event, now to the command line and later to whoever has kept the proof", async () => {
    const { folder, url, key, ids, run } = await sealedService();
    const path = join(folder, "kept.tlog-proof");
    const id = ids[1234] ?? "";

    const fetched = await run("proof", id, "--url", url, "--key", key, "-o", path);
    const offline = await run("verify", path, "--line", `${path}.line`, "--key", key);
    const kept = await run("proof", id, "--url", url, "--key", key, "--kept", path);

    expect(fetched).toMatchObject({ code: 0, stdout: "" });
    expect(fetched.stderr).toMatch(/^verified: leaf 1234 of /);
    expect(offline).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^verified: leaf 1234 of /) as string,
    });
    expect(kept.code).toBe(0);
    expect(JSON.parse(await readFile(`${path}.line`, "utf8"))).toMatchObject({ event_id: id });
  });

  it("holds an event against the receipt of its sender, now and later", async () => {
    const { folder, url, key, run } = await sealedService();
    const path = join(folder, "kept.tlog-proof");
    const sent = await fetch(`${url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action: "a", service_name: "s" }),
    });
    const { event_id: id, content_hash: hash } = (await sent.json()) as Record<string, string>;
    await fetch(`${url}/events/${id}/proof?wait=20`);
    const wrong = "0".repeat(64);
    const receipt = (given: string | undefined): string[] => ["--key", key, "--content-hash", given ?? ""];

    const fetched = await run("proof", id ?? "", "--url", url, "-o", path, ...receipt(hash));
    const offline = await run("verify", path, "--line", `${path}.line`, ...receipt(hash?.toUpperCase()));
    const others = [
      await run("proof", id ?? "", "--url", url, ...receipt(wrong)),
      await run("verify", path, "--line", `${path}.line`, ...receipt(wrong)),
      await run("verify", path, "--line", `${path}.line`, ...receipt("12")),
      await run("verify", folder, ...receipt(hash)),
      await run("proof", id ?? "", "--url", url, "--content-hash", wrong),
    ];

    expect([fetched.code, offline.code, ...others.map(({ code }) => code)]).toEqual([0, 0, 1, 1, 2, 2, 2]);
    expect(offline.stdout).toContain(`content      ${hash}, as the receipt says\n`);
    expect(others[1]?.stdout).toMatch(/^NOT VERIFIED: .*is not the event of the receipt/s);
  });

  it("hands over a part that verifies offline", async () => {
    const { folder, key, run } = await sealedService();
    const to = join(folder, "handed-over");

    const bundle = await run("bundle", "--from", "100", "--to", "2100", "--key", key, "-o", to);
    const verified = await run("verify", to, "--key", key, "--no-state");

    expect([bundle.code, verified.code]).toEqual([0, 0]);
    expect(verified.stdout).toContain("2,001 checked");
  });

  it("is refused where a line was altered under the running service, which proves it no more", async () => {
    const { folder, url, key, ids, run } = await sealedService();
    const path = join(folder, "kept.tlog-proof");
    const id = ids[2999] ?? "";
    await run("proof", id, "--url", url, "--key", key, "-o", path);
    const live = join(folder, "audit.jsonl");
    await writeFile(live, (await readFile(live, "utf8")).replace("2999 mmm", "2999 mmn"));

    const verified = await run("verify", folder, "--key", key);
    const proven = await run("proof", id, "--url", url, "--key", key);
    const kept = await run("proof", id, "--url", url, "--key", key, "--kept", path);

    expect([verified.code, proven.code, kept.code]).toEqual([1, 1, 1]);
    expect(verified.stdout).toMatch(/first difference: audit\.jsonl, line [\d,]+, byte [\d,]+, leaf 2999\n/);
    expect(proven.stderr).toContain("the stored line is not what the log has as leaf 2999");
    expect(kept.stdout).toContain(`the stored line of event ${id} is not what was sealed as leaf 2999`);
  });

  it("does not become sound by a repair of what was altered", async () => {
    const { folder, key, run, stop } = await sealedService();
    await stop();
    const live = join(folder, "audit.jsonl");
    await writeFile(
      live,
      (await readFile(live, "utf8")).replace('"message":"2999 mmm', '"message":2999 mmm"'),
    );
    await run("repair");

    const { code, stdout } = await run("verify", folder, "--key", key);

    expect(code).toBe(1);
    expect(stdout).toContain("the line of leaf 2999 was moved into quarantine, and what lies in audit-");
    expect(stdout).toContain("is not the line that was sealed");
  });
});
