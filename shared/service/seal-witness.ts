/**
 * Asks witnesses to cosign what is published. They are asked about published checkpoints alone, so that no witness ever knows
 * a tree that nobody else can see, and they never hold sealing up: each has a deadline, and one that failed is left alone for
 * a while. What they answer is attacker-controlled until its signature is checked.
 */
import { verifyEd25519 } from "#service/ed25519.ts";
import type { OwnCheckpoint } from "#service/log-identity.ts";
import { tileKey } from "#service/log-layout.ts";
import type { LogStore, SealProblem, Witness, WitnessAnswer } from "#service/log-ports.ts";
import type { Clock } from "#service/ports.ts";
import { HASHER } from "#service/native-hash.ts";
import { toHex } from "#tlog/bytes.ts";
import type { NoteSignature } from "#tlog/note.ts";
import { parseSignatureLine, parseVerifierKey, verifyNote } from "#tlog/note.ts";
import { tilePath } from "#tlog/tile.ts";
import { proveConsistency, tilesForConsistency } from "#tlog/tree.ts";
import { formatAddCheckpoint } from "#tlog/witness.ts";

export interface WitnessRound {
  /** Valid cosignatures over the checkpoint. */
  readonly signatures: readonly NoteSignature[];
  /** `subject` is the name of a witness. */
  readonly problems: readonly SealProblem[];
}

/**
 * Asks all witnesses at once.
 * @param head with the signatures of the log alone; published
 */
export type AskWitnesses = (head: OwnCheckpoint) => Promise<WitnessRound>;

export interface WitnessDeps {
  readonly witnesses: readonly Witness[];
  readonly store: Pick<LogStore, "get">;
  readonly clock: Clock;
}

const DEADLINE_MS = 2000;
/** A witness that is down costs two seconds of a run so often. */
const LEAVE_ALONE_MS = 30_000;
/** It answers with its size to the first question where it knows another one. */
const MAX_QUESTIONS = 3;

/** What is known of a witness from earlier answers. */
interface Acquaintance {
  size: number;
  failedAtMs: number;
  /** Why it failed. */
  reason: string;
}

/** The function never rejects. */
export function createAskWitnesses({ witnesses, store, clock }: WitnessDeps): AskWitnesses {
  const known = new Map<Witness, Acquaintance>();
  const ask = async (witness: Witness, head: OwnCheckpoint): Promise<readonly NoteSignature[]> => {
    const acquaintance = known.get(witness) ?? { size: 0, failedAtMs: Number.NEGATIVE_INFINITY, reason: "" };
    known.set(witness, acquaintance);
    // The clock may have been set back; and the same words as before, since each new problem is told to people.
    if (Math.abs(clock.nowMs() - acquaintance.failedAtMs) < LEAVE_ALONE_MS)
      throw new Error(acquaintance.reason);
    try {
      return await withDeadline(cosignatures({ witness, head, store, acquaintance }));
    } catch (error) {
      acquaintance.failedAtMs = clock.nowMs();
      acquaintance.reason = error instanceof Error ? error.message : String(error);
      throw error;
    }
  };
  return async (head) => {
    const answers = await Promise.allSettled(witnesses.map((witness) => ask(witness, head)));
    const problems = answers.flatMap((answer, at): SealProblem[] => {
      if (answer.status === "fulfilled") return [];
      const problem = answer.reason instanceof Error ? answer.reason.message : String(answer.reason);
      return [{ subject: witnesses[at]?.name ?? "", problem }];
    });
    return {
      signatures: answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])),
      problems,
    };
  };
}

interface Question {
  readonly witness: Witness;
  readonly head: OwnCheckpoint;
  readonly store: Pick<LogStore, "get">;
  readonly acquaintance: Acquaintance;
}

async function cosignatures({
  witness,
  head,
  store,
  acquaintance,
}: Question): Promise<readonly NoteSignature[]> {
  for (let question = 0; question < MAX_QUESTIONS; question++) {
    const proof = await consistencyProof(store, head, acquaintance.size);
    const request = { oldSize: BigInt(acquaintance.size), proof, checkpoint: head.text };
    const answer = await witness.addCheckpoint(formatAddCheckpoint(request));
    if (answer.kind === "cosigned") {
      const signatures = checked(witness, head, answer);
      acquaintance.size = head.size;
      return signatures;
    }
    if (answer.kind === "refused") throw new Error(`it refused: ${answer.reason}`);
    if (answer.size > head.size)
      throw new Error(`it has cosigned size ${answer.size} of this log, which is ${head.size}`);
    acquaintance.size = answer.size;
  }
  throw new Error(`it named another size ${MAX_QUESTIONS} times`);
}

async function consistencyProof(
  store: Pick<LogStore, "get">,
  head: OwnCheckpoint,
  oldSize: number,
): Promise<readonly Uint8Array[]> {
  const sizes = { oldSize: BigInt(oldSize), newSize: BigInt(head.size) };
  const wanted = tilesForConsistency(sizes.oldSize, sizes.newSize).map(tilePath);
  const read = await Promise.all(wanted.map(async (path) => [path, await store.get(tileKey(path))] as const));
  const tiles = new Map(
    read.flatMap(([path, bytes]) => (bytes === undefined ? [] : [[path, bytes] as const])),
  );
  return proveConsistency({ ...sizes, root: head.root, tiles }, HASHER);
}

/** The lines of the witness itself, valid over the checkpoint; others that it may send along are dropped. */
function checked(
  witness: Witness,
  head: OwnCheckpoint,
  { lines }: Extract<WitnessAnswer, { kind: "cosigned" }>,
): readonly NoteSignature[] {
  const key = parseVerifierKey(witness.verifierKey);
  const signatures = lines
    .split("\n")
    .filter((line) => line !== "")
    .map(parseSignatureLine)
    .filter(({ name, keyId }) => name === key.name && toHex(keyId) === toHex(key.keyId));
  verifyNote({ body: head.note.body, signatures }, [key], verifyEd25519);
  return signatures.slice(0, 1);
}

async function withDeadline<Result>(work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`it did not answer within ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
