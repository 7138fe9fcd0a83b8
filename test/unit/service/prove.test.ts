// Proofs of events: true ones only, whatever is damaged, and few reads for many.
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decodeLine } from "#event/stored-line.ts";
import { tileKey } from "#service/log-layout.ts";
import type { Prove } from "#service/prove.ts";
import { createProve } from "#service/prove.ts";
import { createLogReader } from "#service/read-log.ts";
import { PublishedLog, verifyEd25519 } from "#test/support/published-log.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote, parseVerifierKey, verifyNote } from "#tlog/note.ts";
import { inclusionProblem } from "#tlog/proof.ts";
import { parseTlogProof } from "#tlog/tlog-proof.ts";

const TENANT = { tenantId: "default" };
const SEALS_AFTER_S = 7;

interface Subject extends Prove {
  readonly log: PublishedLog;
  /** Keys of objects that were read. */
  readonly reads: string[];
}

/** Sealed are the first `sealed` events, e0 and so on; the others are stored. */
function subject(sealed: number, stored = sealed, onSleep?: (log: PublishedLog) => void): Subject {
  const log = new PublishedLog();
  const reads: string[] = [];
  for (let index = 0; index < stored; index++) {
    if (index === sealed && sealed > 0) log.seal();
    log.put({ event_id: `e${index}` });
  }
  if (stored === sealed) log.seal();
  const objects = {
    get: async (key: string) => {
      reads.push(key);
      return log.objects.get(key);
    },
  };
  let nowMs = 0;
  const prove = createProve({
    leaves: log.leaves,
    log: createLogReader(objects),
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
      onSleep?.(log);
    },
    sealsAfterS: SEALS_AFTER_S,
  });
  return { ...prove, log, reads };
}

describe("proof", () => {
  it.each([
    [1, 0],
    [2, 1],
    [255, 254],
    [256, 0],
    [257, 256],
    [600, 300],
  ])("in a log of %d verifies for leaf %d by the line alone", async (size, leaf) => {
    const { proof, log } = subject(size);

    const { text, line, ...rest } = await proof({ ...TENANT, eventId: `e${leaf}` });

    const { index, hashes, checkpoint } = parseTlogProof(text);
    const note = parseNote(checkpoint);
    const { size: logSize, root } = parseCheckpoint(note.body);
    const entry = hash("sha256", line, "buffer");
    const leafHash = hash("sha256", Buffer.concat([Buffer.from([0]), entry]), "buffer");
    expect([index, logSize]).toEqual([BigInt(leaf), BigInt(size)]);
    expect(verifyNote(note, [parseVerifierKey(log.verifierKey)], verifyEd25519).verified).toHaveLength(1);
    expect(inclusionProblem({ index, size: logSize, leafHash, proof: hashes, root })).toBeUndefined();
    expect(line).toBe(log.leaves.lines[leaf]?.text);
    expect(rest).toMatchObject({ leaf, logSize: size, checkpoint });
    expect(rest.hashes.map(base64)).toEqual(hashes.map(base64));
    expect(Buffer.from(rest.leafHash)).toEqual(leafHash);
    expect(rest.contentHash).toBe(decodeLine(line).contentHash);
  });

  it("is of the event that was pushed aside where its derived id is asked for", async () => {
    const { proof, log } = subject(1);
    log.put({ event_id: "e0", action: "other" });
    log.seal();
    const [derived = ""] = log.leaves.lines[0]?.conflicts ?? [];

    const proven = await proof({ ...TENANT, eventId: derived });

    expect(proven.leaf).toBe(1);
    expect(proven.line).toContain('"action":"other"');
  });

  it("of an event that is not stored is refused", async () => {
    const { proof } = subject(1);

    await expect(proof({ ...TENANT, eventId: "e1" })).rejects.toMatchObject({ code: "event-not-found" });
    await expect(proof({ tenantId: "other", eventId: "e0" })).rejects.toMatchObject({
      code: "event-not-found",
    });
  });

  it("of an event without a leaf is refused, to be asked for later", async () => {
    const { proof } = subject(2, 3);

    await expect(proof({ ...TENANT, eventId: "e2" })).rejects.toMatchObject({
      code: "not-yet-sealed",
      retryable: true,
      retryAfterS: SEALS_AFTER_S,
    });
  });

  it("of a leaf that the published checkpoint does not cover yet is refused", async () => {
    const { proof, log } = subject(2, 3);
    log.leaves.seal();

    await expect(proof({ ...TENANT, eventId: "e2" })).rejects.toMatchObject({ code: "not-yet-sealed" });
  });

  it("before the log is founded is refused", async () => {
    const { proof } = subject(0, 1);

    await expect(proof({ ...TENANT, eventId: "e0" })).rejects.toMatchObject({ code: "not-yet-sealed" });
  });
});

describe("a wait", () => {
  it("ends once the event is stored and sealed", async () => {
    let sleeps = 0;
    const { proof } = subject(2, 2, (log) => {
      sleeps++;
      if (sleeps === 2) log.put({ event_id: "e2" });
      if (sleeps === 4) log.seal();
    });

    expect(await proof({ ...TENANT, eventId: "e2" }, 20_000)).toMatchObject({ leaf: 2, logSize: 3 });
    expect(sleeps).toBe(4);
  });

  it("ends with its time", async () => {
    const { proof } = subject(2, 3);

    await expect(proof({ ...TENANT, eventId: "e2" }, 1000)).rejects.toMatchObject({ code: "not-yet-sealed" });
  });
});

describe("damage", () => {
  const flip = (bytes: Uint8Array): Uint8Array => bytes.with(40, (bytes[40] ?? 0) ^ 1);

  it.each(["tile/0/000", "tile/1/000.p/2", "tile/0/002.p/88"])(
    "of %s costs the answer and is not remembered",
    async (path) => {
      const { proof, log } = subject(600);
      const sound = log.bytesOf(tileKey(path));
      log.damage(tileKey(path), flip);

      await expect(proof({ ...TENANT, eventId: "e0" })).rejects.toMatchObject({
        code: "storage-unavailable",
        cause: { message: expect.stringContaining(path) },
      });

      log.store(tileKey(path), sound);
      expect(await proof({ ...TENANT, eventId: "e0" })).toMatchObject({ leaf: 0 });
    },
  );

  it("that takes a tile away is named", async () => {
    const { proof, log } = subject(600);
    log.objects.objects.delete(tileKey("tile/0/000"));

    await expect(proof({ ...TENANT, eventId: "e0" })).rejects.toMatchObject({
      code: "storage-unavailable",
      message: expect.stringContaining("tile/0/000"),
    });
  });

  it("of the stored line costs the answer", async () => {
    const { proof, log } = subject(3);
    const [first] = log.leaves.lines;
    if (first !== undefined) log.leaves.lines[0] = { ...first, text: first.text.replace("read", "real") };

    await expect(proof({ ...TENANT, eventId: "e0" })).rejects.toMatchObject({ code: "storage-unavailable" });
  });
});

describe("tiles", () => {
  it("are read once, and the checkpoint for each proof", async () => {
    const { proof, reads } = subject(600);
    await proof({ ...TENANT, eventId: "e0" });
    const first = reads.splice(0);

    await proof({ ...TENANT, eventId: "e255" });

    expect(new Set(first).size).toBe(first.length);
    expect(reads).toEqual(["log/checkpoint"]);
  });

  it("of an older size are found in the full ones", async () => {
    const { proof, log } = subject(300);
    for (const key of log.objects.objects.keys()) {
      if (key.includes("000.p/")) log.objects.objects.delete(key);
    }
    log.store(tileKey("tile/1/000"), Buffer.concat(Array.from({ length: 256 }, () => tileOne(log))));

    expect(await proof({ ...TENANT, eventId: "e5" })).toMatchObject({ leaf: 5, logSize: 300 });
  });
});

describe("line", () => {
  it("is the exact text, also before it is sealed", async () => {
    const { line, log } = subject(1, 2);

    expect(await line({ ...TENANT, eventId: "e1" })).toBe(log.leaves.lines[1]?.text);
  });

  it("of an event that is not stored is refused", async () => {
    await expect(subject(1).line({ ...TENANT, eventId: "e1" })).rejects.toMatchObject({
      code: "event-not-found",
    });
  });
});

/** The hash that level 1 holds of the first tile. */
function tileOne(log: PublishedLog): Uint8Array {
  let hashes = log.bytesOf(tileKey("tile/0/000"));
  while (hashes.length > 32) {
    const above = Array.from({ length: hashes.length / 64 }, (_, pair) =>
      hash("sha256", Buffer.concat([Buffer.from([1]), hashes.subarray(pair * 64, pair * 64 + 64)]), "buffer"),
    );
    hashes = Buffer.concat(above);
  }
  return hashes;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
