// The whole way, judged by code that is not ours: 70,001 events through the HTTP API of the real server, sealed by it, and
// Go's checksum database code verifies the folder, the served log, proofs of lines, and growth since an early checkpoint.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { newFolder } from "#test/support/folders.ts";
import { LOGIN } from "#test/support/http-service.ts";
import { logcheckMissing, setUpLogcheck } from "#test/support/logcheck.ts";
import { startServerProcess } from "#test/support/server-process.ts";

const EVENTS = 70_001;
const EARLY = 20_000;
const BATCH = 1000;
const PROVEN = [0, 255, 256, EARLY - 1, EARLY, 65_535, 65_536, EVENTS - 1];
const MISSING = logcheckMissing();

const idOf = (index: number): string => `independent-${index}`;

async function answered(url: string, init?: RequestInit): Promise<Buffer> {
  const response = await fetch(url, init);
  const body = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${url}: ${response.status} ${body.toString()}`);
  return body;
}

async function postEvents(url: string, from: number, end: number): Promise<void> {
  for (let first = from; first < end; first += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, end - first) }, (_, at) => idOf(first + at));
    const body = JSON.stringify({
      events: ids.map((id) => ({ ...LOGIN, event_id: id, message: `number ${id}` })),
    });
    await answered(`${url}/events/batch`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
  }
}

/** Asks for a proof as long as there is none: it comes with the checkpoint that covers the event. */
async function proofOf(url: string, id: string): Promise<Buffer> {
  for (let waits = 0; waits < 5; waits += 1) {
    const response = await fetch(`${url}/events/${id}/proof?wait=20`);
    const body = Buffer.from(await response.arrayBuffer());
    if (response.status === 200) return body;
    if (response.status !== 404) throw new Error(`${id}: ${response.status} ${body.toString()}`);
  }
  throw new Error(`${id} is not sealed`);
}

describe.skipIf(MISSING !== undefined)(`Go's sumdb${MISSING === undefined ? "" : ` (${MISSING})`}`, () => {
  const logcheck = setUpLogcheck();

  it("verifies a log of 70,001 events made through the API", { timeout: 120_000 }, async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "1" });
    const url = (await server.url).replace(/\/$/, "");
    const [log, old, proofs] = [join(folder, "log"), join(folder, "early"), join(folder, "proofs")];
    await mkdir(proofs);

    await postEvents(url, 0, EARLY);
    await proofOf(url, idOf(EARLY - 1));
    await writeFile(old, await answered(`${url}/log/checkpoint`));
    await postEvents(url, EARLY, EVENTS);
    await proofOf(url, idOf(EVENTS - 1));
    for (const index of PROVEN) {
      await writeFile(join(proofs, `${index}.tlog-proof`), await proofOf(url, idOf(index)));
      await writeFile(join(proofs, `${index}.line`), await answered(`${url}/events/${idOf(index)}/line`));
    }
    const key = (await answered(`${url}/log/vkey`)).toString().trim();

    const byFolder = await logcheck({ log, key, old, proofs });
    const byHttp = await logcheck({ log: `${url}/log`, key, old });

    expect(byFolder.output).toContain(`${EVENTS} entries give the root`);
    expect(byFolder.output).toContain(`consistency: ${EARLY} leaves are the beginning of ${EVENTS}`);
    expect(byFolder.output).toContain(`proofs: ${PROVEN.length} of the service hold for their lines`);
    expect(byFolder).toMatchObject({ status: 0, output: expect.stringMatching(/\nVERIFIED\n$/) });
    expect(byHttp).toMatchObject({ status: 0, output: expect.stringMatching(/\nVERIFIED\n$/) });
    expect((await readFile(join(proofs, "0.line"))).toString()).toContain('"event_id":"independent-0"');
  });
});
