// A service and a witness, each over HTTP on a port of its own: what is published is cosigned, a log that rewrites its
// history is refused, and one whose witness is away goes on without it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import { createHttpWitness } from "#adapters/web/http-witness.ts";
import { createTelemetry } from "#functions/telemetry.ts";
import { startSealing } from "#infra/local/sealing.ts";
import { startServer } from "#infra/local/server.ts";
import type { WitnessServer } from "#infra/local/witness-server.ts";
import { startWitnessServer } from "#infra/local/witness-server.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import type { WitnessAnswer } from "#service/log-ports.ts";
import { newFolder } from "#test/support/folders.ts";
import { openLog } from "#test/support/stores.ts";
import { createTestLog, createTestSigner } from "#test/support/witnessed-log.ts";
import type { Checkpoint } from "#tlog/checkpoint.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote, parseVerifierKey, verifyNote } from "#tlog/note.ts";
import { tilePath } from "#tlog/tile.ts";
import { proveConsistency, tilesForConsistency } from "#tlog/tree.ts";
import { formatAddCheckpoint } from "#tlog/witness.ts";

const AUDITLOG = join(import.meta.dirname, "../../infra/local/auditlog.ts");
const POLL_MS = 20;
const COVERED_WITHIN_MS = 15_000;

interface Service {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

interface Published extends Checkpoint {
  readonly text: string;
}

async function serve(folder: string, witness?: WitnessServer): Promise<Service> {
  const store = await openLog(folder);
  const sealing = startSealing({
    store,
    intervalMs: POLL_MS,
    origin: undefined,
    witnesses: witness === undefined ? [] : [{ url: witness.url, verifierKey: witness.verifierKey }],
    onTrouble: () => undefined,
  });
  const telemetry = createTelemetry({ level: "error", nowMs: Date.now, write: () => undefined });
  const server = await startServer({ store, log: sealing.log, probeLog: sealing.probe, telemetry });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await server.stop(0);
    await sealing.stop();
    await store.close();
  };
  const stopOnce = (): Promise<void> => (stopped ??= stop());
  onTestFinished(stopOnce);
  return { url: server.url, stop: stopOnce };
}

async function startWitness(folder: string, logKey: string, port = 0): Promise<WitnessServer> {
  const server = await startWitnessServer({
    logKeys: [logKey],
    host: "127.0.0.1",
    port,
    folder,
    name: "witness.example/w1",
    say: () => undefined,
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= server.stop());
  onTestFinished(stop);
  return { ...server, stop };
}

async function logEvents({ url }: Service, name: string, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, at) => ({
    event_id: `${name}-${at}`,
    service_name: "shop",
    action: "user_login",
    message: name,
  }));
  const response = await fetch(`${url}/events/batch`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ events }),
  });
  expect(response.status).toBe(202);
}

/** The published checkpoint, as soon as it is what is waited for. */
async function published({ url }: Service, isWanted: (checkpoint: Published) => boolean): Promise<Published> {
  return expect
    .poll(async () => read(url), { interval: POLL_MS, timeout: COVERED_WITHIN_MS })
    .toSatisfy(isWanted)
    .then(() => read(url));
}

async function read(url: string): Promise<Published> {
  const response = await fetch(`${url}/log/checkpoint`);
  if (response.status !== 200)
    return { text: "", origin: "", size: -1n, root: new Uint8Array(), extensions: [] };
  const text = await response.text();
  return { text, ...parseCheckpoint(parseNote(text).body) };
}

async function keyOf({ url }: Service): Promise<string> {
  return (await (await fetch(`${url}/log/vkey`)).text()).trim();
}

function isCosigned({ text }: Published, verifierKey: string): boolean {
  try {
    return verifyNote(parseNote(text), [parseVerifierKey(verifierKey)], verifyEd25519).verified.length === 1;
  } catch {
    return false;
  }
}

/** Asks the witness as the log's sealer does, with a proof from the tiles that the log serves. */
async function askWitness(
  witness: WitnessServer,
  { url }: Service,
  { oldSize, checkpoint }: { readonly oldSize: bigint; readonly checkpoint: Published },
): Promise<WitnessAnswer> {
  const { size: newSize, root, text } = checkpoint;
  const paths = oldSize < newSize ? tilesForConsistency(oldSize, newSize).map(tilePath) : [];
  const tiles = new Map<string, Uint8Array>();
  for (const path of paths) tiles.set(path, await (await fetch(`${url}/log/${path}`)).bytes());
  const proof = oldSize < newSize ? proveConsistency({ oldSize, newSize, root, tiles }) : [];
  return createHttpWitness(witness).addCheckpoint(formatAddCheckpoint({ oldSize, proof, checkpoint: text }));
}

/** A service of 40 events whose witness has cosigned all of them, and its folder as it was at 25. */
async function witnessedService(): Promise<{
  readonly folder: string;
  readonly early: string;
  readonly service: Service;
  readonly witness: WitnessServer;
  readonly witnessFolder: string;
}> {
  const [folder, elsewhere, witnessFolder] = [await newFolder(), await newFolder(), await newFolder()];
  const first = await serve(folder);
  await logEvents(first, "first", 25);
  await published(first, ({ size }) => size === 25n);
  const logKey = await keyOf(first);
  await first.stop();
  const early = join(elsewhere, "early");
  await cp(folder, early, { recursive: true });
  const witness = await startWitness(witnessFolder, logKey);
  const service = await serve(folder, witness);
  await logEvents(service, "second", 15);
  await published(
    service,
    (checkpoint) => checkpoint.size === 40n && isCosigned(checkpoint, witness.verifierKey),
  );
  return { folder, early, service, witness, witnessFolder };
}

it("publishes checkpoints that the witness has cosigned, and names its key", async () => {
  const { service, witness } = await witnessedService();

  await logEvents(service, "third", 300);

  const checkpoint = await published(
    service,
    (each) => each.size === 340n && isCosigned(each, witness.verifierKey),
  );
  expect(await (await fetch(`${service.url}/log/vkeys`)).text()).toContain(`${witness.verifierKey}\n`);
  expect(parseNote(checkpoint.text).signatures.map(({ name }) => name)).toEqual([
    checkpoint.origin,
    `${checkpoint.origin}/freshness`,
    "witness.example/w1",
  ]);
});

it("finds its log forked by its own key refused, at any size", async () => {
  const { early, service, witness } = await witnessedService();
  await service.stop();
  const fork = await serve(early, witness);

  await logEvents(fork, "rewritten", 15);
  const same = await published(fork, ({ size }) => size === 40n);
  const refusedSame = await askWitness(witness, fork, { oldSize: 40n, checkpoint: same });
  await logEvents(fork, "more", 10);
  const larger = await published(fork, ({ size }) => size === 50n);
  const refusedLarger = await askWitness(witness, fork, { oldSize: 40n, checkpoint: larger });

  expect(refusedSame).toMatchObject({ kind: "refused", reason: expect.stringMatching(/^422 another root/) });
  expect(refusedLarger).toMatchObject({ kind: "refused", reason: expect.stringMatching(/^422 /) });
  expect([same, larger].map((each) => isCosigned(each, witness.verifierKey))).toEqual([false, false]);
});

it("finds its log set back refused", async () => {
  const { early, service, witness } = await witnessedService();
  await service.stop();
  const back = await serve(early, witness);

  const checkpoint = await published(back, ({ size }) => size === 25n);
  const answer = await askWitness(witness, back, { oldSize: 25n, checkpoint });

  expect(answer).toEqual({ kind: "at-size", size: 40 });
});

it("is watched by a witness of the command line, until Ctrl-C", async () => {
  const folder = await newFolder();
  const log = createTestLog(createTestSigner("log.example/audit"));
  const options = ["--log-key", log.verifierKey, "--listen", "127.0.0.1:0", "--folder", folder];
  const child = spawn(process.execPath, [AUDITLOG, "witness", ...options], { stdio: "pipe" });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const ended = once(child, "exit");
  const [[said], [printed]] = await Promise.all([once(child.stderr, "data"), once(child.stdout, "data")]);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(said))?.[0] ?? "";
  const verifierKey = String(printed).trim();

  const served = await (await fetch(`${url}/vkey`)).text();
  const answer = await createHttpWitness({ url, verifierKey }).addCheckpoint(log.request(0, 7));
  child.kill("SIGINT");

  expect([served, answer.kind]).toEqual([`${verifierKey}\n`, "cosigned"]);
  expect(await ended).toEqual([0, null]);
});

it("goes on without a witness that is away, and has it cosign once it is back", async () => {
  const { service, witness, witnessFolder } = await witnessedService();
  await witness.stop();

  await logEvents(service, "alone", 5);
  const alone = await published(service, ({ size }) => size === 45n);
  const logKey = await keyOf(service);
  const back = await startWitness(witnessFolder, logKey, Number(new URL(witness.url).port));
  const answer = await askWitness(back, service, { oldSize: 40n, checkpoint: alone });

  expect(isCosigned(alone, witness.verifierKey)).toBe(false);
  expect(answer.kind).toBe("cosigned");
});
