// A witness on one machine over HTTP: its key and what it cosigned outlive it, and it takes no more than it should.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createHttpWitness } from "#adapters/web/http-witness.ts";
import type { WitnessServer, WitnessServerOptions } from "#infra/local/witness-server.ts";
import { startWitnessServer } from "#infra/local/witness-server.ts";
import { cosignedAt, createTestLog, createTestSigner } from "#test/support/witnessed-log.ts";

const signer = createTestSigner("log.example/audit");
const log = createTestLog(signer);
/** The same key, another history. */
const fork = createTestLog(signer, (index) => `other ${index}`);

let folder: string;
let server: WitnessServer | undefined;
const said: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-witness-"));
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(changes: Partial<WitnessServerOptions> = {}): Promise<WitnessServer> {
  server = await startWitnessServer({
    logKeys: [log.verifierKey],
    host: "127.0.0.1",
    port: 0,
    folder,
    name: undefined,
    say: (text) => said.push(text),
    ...changes,
  });
  return server;
}

async function restart(changes: Partial<WitnessServerOptions> = {}): Promise<WitnessServer> {
  await server?.stop();
  server = undefined;
  return start(changes);
}

describe("a witness on one machine", () => {
  it("cosigns for its client by the key that it serves", async () => {
    const { url, verifierKey } = await start({ clock: { nowMs: () => 1_772_366_400_000 } });
    const client = createHttpWitness({ url, verifierKey });

    const answer = await client.addCheckpoint(log.request(0, 5));

    expect(await (await fetch(`${url}/vkey`)).text()).toBe(`${verifierKey}\n`);
    expect(answer.kind).toBe("cosigned");
    const lines = answer.kind === "cosigned" ? answer.lines : "";
    expect(cosignedAt(log.checkpoint(5), lines, verifierKey)).toBe(1_772_366_400);
  });

  it("has the same key and knows the same checkpoint after it was started again", async () => {
    const before = await start({ name: "witness.example/w1" });
    await createHttpWitness(before).addCheckpoint(log.request(0, 5));

    const after = await restart();

    expect(after.verifierKey).toBe(before.verifierKey);
    expect(after.verifierKey).toMatch(/^witness\.example\/w1\+/);
    expect(await createHttpWitness(after).addCheckpoint(log.request(3, 4))).toEqual({
      kind: "at-size",
      size: 5,
    });
  });

  it("keeps its key from others", async () => {
    await start();

    expect(statSync(join(folder, "witness.key")).mode & 0o777).toBe(0o600);
  });

  it("keeps the whole request that shows two histories, once, and says so", async () => {
    const { url } = await start({ clock: { nowMs: () => 1_772_366_400_000 } });
    const other = createTestLog(createTestSigner("log.example/audit"));
    const ask = (body: string): Promise<Response> => fetch(`${url}/add-checkpoint`, { method: "POST", body });
    await ask(log.request(0, 5));
    const forked = fork.request(5, 5);
    said.length = 0;

    const answers = [
      await ask(forked),
      await ask(forked),
      await ask(other.request(0, 5)),
      await ask(log.request(0, 7)),
    ];

    expect(answers.map(({ status }) => status)).toEqual([422, 422, 403, 409]);
    const kept = readdirSync(folder).filter((name) => name.startsWith("contradiction-"));
    expect(kept).toEqual([expect.stringMatching(/^contradiction-20260301T120000000Z-[0-9a-f]{16}\.txt$/)]);
    expect(readFileSync(join(folder, kept[0] ?? ""), "utf8")).toBe(forked);
    expect(said).toHaveLength(2);
    expect(said[0]).toMatch(
      /^a log contradicts itself \(answered: another root is known at size 5\); the request is kept in .*contradiction-/,
    );
  });

  it("keeps its name", async () => {
    await start();

    await expect(restart({ name: "witness.example/other" })).rejects.toMatchObject({
      code: "invalid-configuration",
    });
  });

  it("refuses a folder that another has, and an address that is taken", async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    const other = { host: "127.0.0.1", port, folder: join(folder, "other"), name: undefined };
    const options = { ...other, logKeys: [log.verifierKey], say: () => undefined };

    await expect(startWitnessServer({ ...options, folder })).rejects.toMatchObject({ code: "folder-locked" });
    await expect(startWitnessServer(options)).rejects.toMatchObject({ code: "invalid-configuration" });
  });

  it("receives no body beyond its limit, said or not", async () => {
    const { url } = await start();
    const long = "A".repeat(65_537);
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
    });
    const post = (body: string | ReadableStream<Uint8Array>) =>
      fetch(`${url}/add-checkpoint`, { method: "POST", body, duplex: "half" });

    expect((await post(long)).status).toBe(413);
    expect((await post(endless)).status).toBe(413);
  });

  it("answers HEAD without a body, and paths without their query", async () => {
    const { url, verifierKey } = await start();

    const head = await fetch(`${url}/vkey?x=1`, { method: "HEAD" });

    expect(head.headers.get("content-length")).toBe(String(verifierKey.length + 1));
    expect(await head.text()).toBe("");
  });
});
