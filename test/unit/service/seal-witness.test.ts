// Cosignatures of witnesses on what is published: asked for behind publication, checked, and never waited for long.
import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import { CHECKPOINT_KEY } from "#service/log-layout.ts";
import type { Witness, WitnessAnswer } from "#service/log-ports.ts";
import type { TestLog } from "#test/support/sealing-fixtures.ts";
import { testLog } from "#test/support/sealing-fixtures.ts";
import { signerOf } from "#test/support/sealing-signers.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import {
  COSIGNATURE_V1,
  cosignatureMessage,
  encodeCosignature,
  formatSignatureLine,
  formatVerifierKey,
  keyIdOf,
  parseNote,
  parseVerifierKey,
  verifyNote,
} from "#tlog/note.ts";
import { consistencyProblem } from "#tlog/proof.ts";
import { parseAddCheckpoint } from "#tlog/witness.ts";

const NAME = "witness.example";
const SIGNER = signerOf(NAME);
const KEY = { name: NAME, algorithm: COSIGNATURE_V1, publicKey: SIGNER.publicKey };

interface TestWitness extends Witness {
  /** Sizes that it was asked about, old and new. */
  readonly asked: (readonly [bigint, bigint])[];
}

/** A witness that keeps what it saw last. */
function witnessOf({ store }: TestLog): TestWitness {
  const asked: (readonly [bigint, bigint])[] = [];
  let size = 0n;
  let root: Uint8Array = new Uint8Array();
  const addCheckpoint = async (body: string): Promise<WitnessAnswer> => {
    const { oldSize, proof, checkpoint } = parseAddCheckpoint(body);
    const note = parseNote(checkpoint);
    const next = parseCheckpoint(note.body);
    asked.push([oldSize, next.size]);
    if (oldSize !== size) return { kind: "at-size", size: Number(size) };
    const sizes = { oldSize, newSize: next.size, oldRoot: root, newRoot: next.root };
    const problem = size === 0n ? undefined : consistencyProblem({ ...sizes, proof });
    if (problem !== undefined) return { kind: "refused", reason: problem };
    const published = Buffer.from(store.objects.get(CHECKPOINT_KEY)?.bytes ?? []).toString();
    if (!published.startsWith(note.body)) return { kind: "refused", reason: "not published" };
    size = next.size;
    root = next.root;
    return { kind: "cosigned", lines: await cosignature(note.body) };
  };
  return { name: NAME, verifierKey: formatVerifierKey(KEY), addCheckpoint, asked };
}

async function cosignature(body: string): Promise<string> {
  const signature = encodeCosignature(1n, await SIGNER.sign(cosignatureMessage(1n, body)));
  return formatSignatureLine({ name: NAME, keyId: keyIdOf(KEY), signature });
}

function isWitnessed({ store }: TestLog): boolean {
  const note = parseNote(Buffer.from(store.objects.get(CHECKPOINT_KEY)?.bytes ?? []).toString());
  if (!note.signatures.some(({ name }) => name === NAME)) return false;
  return verifyNote(note, [parseVerifierKey(formatVerifierKey(KEY))], verifyEd25519).verified.length === 1;
}

describe("witnesses", () => {
  it("cosign what is published, with proofs from the size that they know", async () => {
    const log = testLog();
    const witness = witnessOf(log);
    const sealer = log.open({ witnesses: [witness] });
    log.lines.push("a", "b", "c");

    const first = await sealer.run();
    log.lines.push(..."d e f g h i j k l".split(" "));
    const second = await sealer.run();

    expect([first.witnessProblems, second.witnessProblems]).toEqual([[], []]);
    expect(witness.asked).toEqual([
      [0n, 3n],
      [3n, 12n],
    ]);
    expect(isWitnessed(log)).toBe(true);
  });

  it("are asked again from the size that they name", async () => {
    const log = testLog();
    const witness = witnessOf(log);
    log.lines.push("a", "b", "c");
    await log.open({ witnesses: [witness] }).run();
    log.lines.push("d");

    const report = await log.open({ witnesses: [witness] }).run();

    expect(report.witnessProblems).toEqual([]);
    expect(witness.asked.slice(1)).toEqual([
      [0n, 4n],
      [3n, 4n],
    ]);
    expect(isWitnessed(log)).toBe(true);
  });

  it("are not asked where nothing is new, and again where the time is", async () => {
    const log = testLog();
    const witness = witnessOf(log);
    const sealer = log.open({ witnesses: [witness] });
    log.lines.push("a");
    await sealer.run();
    await sealer.run();
    const askedBefore = witness.asked.length;
    log.pass(600_000);

    await sealer.run();

    expect([askedBefore, witness.asked.length]).toEqual([1, 2]);
    expect(isWitnessed(log)).toBe(true);
  });

  it.each<{
    readonly title: string;
    readonly answer: (body: string) => Promise<WitnessAnswer>;
    readonly says: string;
  }>([
    {
      title: "refuse",
      answer: async () => ({ kind: "refused", reason: "unknown log" }),
      says: "it refused: unknown log",
    },
    {
      title: "do not answer",
      answer: async () =>
        Promise.reject(new AuditStorageError("storage-unavailable", "down", { retryable: true })),
      says: "down",
    },
    {
      title: "have cosigned a larger log",
      answer: async () => ({ kind: "at-size", size: 9 }),
      says: "it has cosigned size 9 of this log, which is 1",
    },
    {
      title: "sign something else",
      answer: async () => ({ kind: "cosigned", lines: await cosignature("other\n1\n\n") }),
      says: "signature",
    },
    {
      title: "answer nonsense",
      answer: async () => ({ kind: "cosigned", lines: "<html>" }),
      says: "signature",
    },
  ])("are named, and hold nothing up, where they $title", async ({ answer, says }) => {
    const log = testLog();
    const witness = { ...witnessOf(log), addCheckpoint: answer };
    log.lines.push("a");

    const report = await log.open({ witnesses: [witness] }).run();

    expect(report).toMatchObject({ publishedSize: 1, isFinished: true });
    expect(report.witnessProblems).toEqual([{ subject: NAME, problem: expect.stringContaining(says) }]);
    expect(isWitnessed(log)).toBe(false);
  });

  it("are left alone for a while once they failed", async () => {
    const log = testLog();
    let asked = 0;
    const addCheckpoint = async (): Promise<WitnessAnswer> => {
      asked++;
      return { kind: "refused", reason: "busy" };
    };
    const sealer = log.open({ witnesses: [{ ...witnessOf(log), addCheckpoint }] });
    const told = [];
    for (const line of ["a", "b"]) {
      log.lines.push(line);
      told.push(...(await sealer.run()).witnessProblems);
      log.pass(1000);
    }
    const askedBefore = asked;
    log.pass(30_000);
    log.lines.push("c");

    await sealer.run();

    expect([askedBefore, asked]).toEqual([1, 2]);
    const same = { subject: NAME, problem: "it refused: busy" };
    expect(told).toEqual([same, same]);
  });

  it("are asked again while nothing is new, and told of, until they cosign", async () => {
    const log = testLog();
    const witness = witnessOf(log);
    let isDown = true;
    const addCheckpoint: Witness["addCheckpoint"] = async (body) =>
      isDown ? { kind: "refused", reason: "busy" } : witness.addCheckpoint(body);
    const sealer = log.open({ witnesses: [{ ...witness, addCheckpoint }] });
    log.lines.push("a");
    const told = [(await sealer.run()).witnessProblems.length];

    for (const down of [true, false, false]) {
      isDown = down;
      log.pass(60_000);
      told.push((await sealer.run()).witnessProblems.length);
    }

    expect(told).toEqual([1, 1, 0, 0]);
    expect(witness.asked).toHaveLength(1);
    expect(isWitnessed(log)).toBe(true);
  });

  it("are asked again soon where the clock was set back", async () => {
    const log = testLog();
    const witness = witnessOf(log);
    let isDown = true;
    const addCheckpoint: Witness["addCheckpoint"] = async (body) =>
      isDown ? { kind: "refused", reason: "busy" } : witness.addCheckpoint(body);
    const sealer = log.open({ witnesses: [{ ...witness, addCheckpoint }] });
    log.lines.push("a");
    await sealer.run();
    isDown = false;
    log.pass(-3_600_000);
    log.lines.push("b");

    await sealer.run();

    expect(isWitnessed(log)).toBe(true);
  });

  it("that once named a size beyond the log are asked again", async () => {
    const log = testLog();
    const witness = witnessOf(log);
    let isConfused = true;
    const addCheckpoint: Witness["addCheckpoint"] = async (body) =>
      isConfused ? { kind: "at-size", size: 2 ** 53 - 1 } : witness.addCheckpoint(body);
    const sealer = log.open({ witnesses: [{ ...witness, addCheckpoint }] });
    log.lines.push("a");
    await sealer.run();
    isConfused = false;
    log.pass(30_000);
    log.lines.push("b");

    await sealer.run();

    expect(isWitnessed(log)).toBe(true);
  });
});
