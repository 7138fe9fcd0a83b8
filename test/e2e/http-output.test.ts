// What the server says about itself may get lost; events may not, and the server goes on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { newFolder } from "#test/support/folders.ts";

const MAIN = join(import.meta.dirname, "..", "..", "infra", "local", "main.ts");
const FULL = "/dev/full";

/** The address that the server shows to people. */
async function bannerUrl(stderr: Readable | null): Promise<string> {
  let text = "";
  for await (const chunk of (stderr ?? Readable.from([])).iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const url = /url +(http:\S+)/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended: ${text}`);
}

describe("a server whose output goes to a full disk", () => {
  it.skipIf(!existsSync(FULL))("takes events, and ends in order", async () => {
    const folder = await newFolder();
    const output = openSync(FULL, "w");
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...process.env,
        AUDIT_FILE_PATH: join(folder, "audit.jsonl"),
        AUDIT_API_PORT: "0",
        AUDIT_API_LOG_LEVEL: "debug",
      },
      stdio: ["ignore", output, "pipe"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
      closeSync(output);
    });
    const url = await bannerUrl(child.stderr);

    for (let round = 0; round < 3; round++) {
      const response = await fetch(`${url}/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ action: "a", service_name: "s" }),
      });
      expect(response.status).toBe(202);
    }
    child.kill("SIGTERM");

    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
