// The witness answers each request as C2SP tlog-witness says, cosigns nothing that does not follow on what it knows, and
// gives no cosignature away before it is stored.
import { describe, expect, it } from "vitest";

import { verifyEd25519 } from "#service/ed25519.ts";
import type { WitnessOptions, WitnessService } from "#service/witness.ts";
import { createWitness, logsOfKeys, MAX_WITNESS_BODY_BYTES } from "#service/witness.ts";
import { AuditStorageError } from "#lib/errors.ts";
import {
  cosignedAt,
  createTestLog,
  createTestSigner,
  memoryWitnessStore,
  signCheckpoint,
} from "#test/support/witnessed-log.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00.900Z");
const signer = createTestSigner("log.example/audit");
const log = createTestLog(signer);
/** Same key, other entries from the third on. */
const fork = createTestLog(signer, (index) => (index < 2 ? `e${index}` : `f${index}`));
const cosigner = createTestSigner("witness.example/w1");

function open(changes: Partial<WitnessOptions> = {}): WitnessService {
  return createWitness({
    logs: logsOfKeys([log.verifierKey]),
    store: memoryWitnessStore(),
    signer: cosigner,
    clock: { nowMs: () => NOW_MS },
    verify: verifyEd25519,
    ...changes,
  });
}

async function openAt(size: number): Promise<WitnessService> {
  const witness = open();
  await witness.addCheckpoint(log.request(0, size));
  return witness;
}

async function statusOf(witness: WitnessService, body: string): Promise<number> {
  return (await witness.addCheckpoint(body)).status;
}

describe("a checkpoint that follows on the last one", () => {
  it.each([
    [0, 0],
    [0, 1],
    [0, 7],
    [3, 7],
    [4, 8],
    [7, 7],
    [6, 200],
  ])("is cosigned with the time, from size %i to %i", async (oldSize, newSize) => {
    const witness = await openAt(oldSize);

    const { status, body } = await witness.addCheckpoint(log.request(oldSize, newSize));

    expect(status).toBe(200);
    expect(cosignedAt(log.checkpoint(newSize), body, witness.verifierKey)).toBe(Math.floor(NOW_MS / 1000));
  });

  it("is kept with the signatures of log and witness, and none that were sent beside them", async () => {
    const witness = open();
    const stranger = "— stranger.example/s AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

    const { body } = await witness.addCheckpoint(`${log.request(0, 5)}${stranger}`);

    expect(await witness.readCheckpoint("log.example/audit")).toBe(`${log.checkpoint(5)}${body}`);
  });
});

describe("a request is refused", () => {
  it.each([
    ["", 400],
    ["old 0\n", 400],
    [`${"A".repeat(MAX_WITNESS_BODY_BYTES)}A`, 413],
    [log.request(0, 4).replace("old 0", "old 00"), 400],
    [log.request(0, 4).replace("old 0", "old -1"), 400],
    [log.request(0, 4).replace("\n\n", `\n${`${"A".repeat(43)}=\n`.repeat(64)}\n`), 400],
    [log.request(9, 4), 400],
  ])("that is malformed: %#", async (body, status) => {
    const witness = await openAt(4);

    expect(await statusOf(witness, body)).toBe(status);
  });

  it("of a log that is not watched", async () => {
    const other = createTestLog(createTestSigner("log.example/other"));

    expect(await statusOf(open(), other.request(0, 4))).toBe(404);
  });

  it("without a signature of the log, or with a wrong one", async () => {
    const impostor = createTestLog(createTestSigner("log.example/audit"));
    const altered = log.request(0, 4).replace(/(— \S+ \S{20})./, (_, before: string) => `${before}0`);

    expect(await statusOf(open(), impostor.request(0, 4))).toBe(403);
    expect(await statusOf(open(), altered)).toBe(403);
  });

  it("with the size that is known, where the old size is another", async () => {
    const witness = await openAt(5);

    const reply = await witness.addCheckpoint(log.request(4, 8));

    expect(reply).toEqual({ status: 409, contentType: "text/x.tlog.size", body: "5\n" });
  });

  it("where the log was rolled back", async () => {
    const witness = await openAt(5);

    expect(await statusOf(witness, log.request(3, 4))).toBe(409);
    expect(await statusOf(witness, log.request(5, 4))).toBe(400);
  });

  it("where the log has forked, at a larger size and at the same", async () => {
    const witness = await openAt(5);

    expect(await statusOf(witness, fork.request(5, 9))).toBe(422);
    expect(await statusOf(witness, fork.request(5, 5))).toBe(422);
    expect(await witness.readCheckpoint("log.example/audit")).toContain(log.checkpoint(5));
  });

  it("as a contradiction where two signed checkpoints cannot be of one log, and not where a stranger sent a proof of nothing", async () => {
    const isContradiction = async (size: number, body: string): Promise<boolean> =>
      (await (await openAt(size)).addCheckpoint(body)).isContradiction === true;
    const garbled = (body: string): string =>
      body.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${"A".repeat(43)}=\n`);

    expect(await isContradiction(5, fork.request(5, 9))).toBe(true);
    expect(await isContradiction(5, fork.request(5, 5))).toBe(true);
    expect(await isContradiction(4, fork.request(4, 9))).toBe(true);
    expect(await isContradiction(5, fork.request(0, 5))).toBe(true);
    expect(await isContradiction(5, log.request(0, 5))).toBe(false);
    expect(await isContradiction(5, garbled(log.request(5, 9)))).toBe(false);
    expect(await isContradiction(5, withoutProof(log.request(5, 9)))).toBe(false);
    expect(await isContradiction(4, withoutProof(log.request(4, 9)))).toBe(false);
    expect(await isContradiction(5, log.request(5, 5).replace("\n\n", `\n${"A".repeat(43)}=\n\n`))).toBe(
      false,
    );
  });

  it("with a proof where none is needed", async () => {
    const withProof = (body: string): string => body.replace("\n\n", `\n${"A".repeat(43)}=\n\n`);

    expect(await statusOf(open(), withProof(log.request(0, 4)))).toBe(422);
    expect(await statusOf(await openAt(4), withProof(log.request(4, 4)))).toBe(422);
  });

  it("with a proof that lacks a hash", async () => {
    const witness = await openAt(3);
    const lacking = log.request(3, 7).replace(/\n[^\n]+\n\n/, "\n\n");

    expect(await statusOf(witness, lacking)).toBe(422);
  });

  it("of size 0 with the root of another tree", async () => {
    const checkpoint = signCheckpoint(signer, 0, new Uint8Array(32));

    expect(await statusOf(open(), `old 0\n\n${checkpoint}`)).toBe(422);
  });
});

describe("two requests at once", () => {
  it("never roll back: of two checkpoints from one size the second is told the size of the first", async () => {
    const { promise: met, resolve: release } = Promise.withResolvers<undefined>();
    let arrived = 0;
    const store = memoryWitnessStore(async () => {
      if (++arrived === 2) release(undefined);
      await met;
    });
    const witness = open({ store });

    const replies = await Promise.all([8, 5].map((size) => witness.addCheckpoint(log.request(0, size))));

    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect(replies.find(({ status }) => status === 409)?.body).toBe("8\n");
    expect(await witness.readCheckpoint("log.example/audit")).toContain(log.checkpoint(8));
  });

  it("give up where others keep coming first", async () => {
    const store = memoryWitnessStore();
    const busy = { ...store, swap: async () => "lost" as const };

    expect(await statusOf(open({ store: busy }), log.request(0, 5))).toBe(503);
  });
});

describe("what fails", () => {
  it("gives no cosignature away that is not stored", async () => {
    const store = {
      ...memoryWitnessStore(),
      swap: async () => Promise.reject(new AuditStorageError("storage-unavailable", "full")),
    };

    await expect(open({ store }).addCheckpoint(log.request(0, 5))).rejects.toThrow("full");
  });
});

describe("the keys of logs", () => {
  it("are those of the log of their name, several of one log too", () => {
    const next = createTestLog(createTestSigner("log.example/audit"));
    const other = createTestLog(createTestSigner("log.example/other"));

    expect(logsOfKeys([log.verifierKey, other.verifierKey, next.verifierKey])).toEqual([
      { origin: "log.example/audit", verifierKeys: [log.verifierKey, next.verifierKey] },
      { origin: "log.example/other", verifierKeys: [other.verifierKey] },
    ]);
  });

  it("are not those of cosigners", () => {
    expect(() => logsOfKeys([open().verifierKey])).toThrow("cosigner");
  });
});

function withoutProof(request: string): string {
  return request.replace(/\n[^]*?\n\n/, "\n\n");
}
