/**
 * A witness of transparency logs (C2SP tlog-witness, add-checkpoint): cosigns a checkpoint only where it proves that the log
 * has grown from the last one that was cosigned, and remembers it before it answers. Requests are attacker-controlled.
 */
import type { LogSigner } from "#service/log-ports.ts";
import type { Clock } from "#service/ports.ts";
import type { WitnessReply, WitnessStore } from "#service/witness-ports.ts";
import { equalBytes } from "#tlog/bytes.ts";
import type { Checkpoint } from "#tlog/checkpoint.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import type { Ed25519Verify, SignedNote, VerifierKey } from "#tlog/note.ts";
import {
  COSIGNATURE_V1,
  ED25519,
  cosignatureMessage,
  encodeCosignature,
  formatNote,
  formatSignatureLine,
  formatVerifierKey,
  keyIdOf,
  parseNote,
  parseVerifierKey,
  verifyNote,
} from "#tlog/note.ts";
import { consistencyProblem, isForkShown } from "#tlog/proof.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";
import type { AddCheckpoint } from "#tlog/witness.ts";
import { parseAddCheckpoint } from "#tlog/witness.ts";

/** A request with 63 hashes and a checkpoint with a dozen signatures is 5 KB. */
export const MAX_WITNESS_BODY_BYTES = 64 * 1024;
/** Another request for the same log came between reading and storing; each time round one of them has got through. */
const MAX_ROUNDS = 8;
const TEXT = "text/plain; charset=utf-8";
const SIZE = "text/x.tlog.size";

/** A log that is watched. */
export interface WitnessedLog {
  readonly origin: string;
  /** Verifier keys of the log; a signature by one of them will do. */
  readonly verifierKeys: readonly string[];
}

export interface WitnessOptions {
  readonly logs: readonly WitnessedLog[];
  readonly store: WitnessStore;
  /** Its key signs nothing else: a cosignature does not tell its name. */
  readonly signer: LogSigner;
  readonly clock: Clock;
  readonly verify: Ed25519Verify;
}

export interface WitnessService {
  /**
   * Answers a request to `add-checkpoint`.
   * @throws AuditStorageError `storage-unavailable` (retryable) where store or signer do not answer; nothing was given away
   */
  readonly addCheckpoint: (body: string) => Promise<WitnessReply>;
  /** The last cosigned checkpoint of a log, with the log's signatures and the witness's own; undefined where there is none. */
  readonly readCheckpoint: (origin: string) => Promise<string | undefined>;
  readonly origins: readonly string[];
  /** What clients check its cosignatures with. */
  readonly verifierKey: string;
}

/**
 * The logs that verifier keys stand for: the name of a key is the origin of its log. Several keys of one name are one log.
 * @throws TlogError `malformed`
 */
export function logsOfKeys(keys: readonly string[]): readonly WitnessedLog[] {
  const byOrigin = Map.groupBy(keys, (key) => parseLogKey(key).name);
  return [...byOrigin].map(([origin, verifierKeys]) => ({ origin, verifierKeys }));
}

/** A cosigner's key does not stand for a log. */
function parseLogKey(verifierKey: string): VerifierKey {
  const key = parseVerifierKey(verifierKey);
  if (key.algorithm === ED25519) return key;
  throw new TlogError("malformed", `the key ${verifierKey} is that of a cosigner, and not of a log`);
}

/** @throws TlogError `malformed` where a key of a log is none */
export function createWitness({ logs, store, signer, clock, verify }: WitnessOptions): WitnessService {
  const keysOf = new Map(
    logs.map(({ origin, verifierKeys }) => [origin, verifierKeys.map((key) => parseLogKey(key))] as const),
  );
  const own = { name: signer.name, algorithm: COSIGNATURE_V1, publicKey: signer.publicKey };

  async function cosign(proposal: Proposal): Promise<{ readonly line: string; readonly note: string }> {
    const timestamp = BigInt(Math.floor(clock.nowMs() / 1000));
    const signature = encodeCosignature(
      timestamp,
      await signer.sign(cosignatureMessage(timestamp, proposal.note.body)),
    );
    const cosignature = { name: own.name, keyId: keyIdOf(own), signature };
    const note = formatNote({ ...proposal.note, signatures: [...proposal.note.signatures, cosignature] });
    return { line: formatSignatureLine(cosignature), note };
  }

  return {
    addCheckpoint: async (body) => {
      const proposal = readProposal(body, { keysOf, verify });
      if ("status" in proposal) return proposal;
      const { origin } = proposal.checkpoint;
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const expected = await store.read(origin);
        const refusal = judge(proposal, expected);
        if (refusal !== undefined) return refusal;
        // Signed before it is stored, so that what is stored carries it; a signature that lost the race is dropped here.
        const { line, note } = await cosign(proposal);
        if ((await store.swap(origin, { expected, next: note })) === "swapped") return text(200, line);
      }
      return text(503, `the checkpoint of ${origin} changed ${MAX_ROUNDS} times meanwhile; try again\n`);
    },
    readCheckpoint: (origin) => store.read(origin),
    origins: [...keysOf.keys()],
    verifierKey: formatVerifierKey(own),
  };
}

/** A checkpoint with its proof; what the note holds beside the signatures of the log's own keys is dropped. */
interface Proposal extends Pick<AddCheckpoint, "oldSize" | "proof"> {
  readonly checkpoint: Checkpoint;
  readonly note: SignedNote;
}

interface Trust {
  readonly keysOf: ReadonlyMap<string, readonly VerifierKey[]>;
  readonly verify: Ed25519Verify;
}

/** The checks that need no state, in the order of the specification. */
function readProposal(body: string, { keysOf, verify }: Trust): Proposal | WitnessReply {
  const bytes = Buffer.byteLength(body);
  if (bytes > MAX_WITNESS_BODY_BYTES) {
    return text(413, `the body is ${bytes} bytes; the limit is ${MAX_WITNESS_BODY_BYTES}\n`);
  }
  const read = orProblem(() => {
    const request = parseAddCheckpoint(body);
    const note = parseNote(request.checkpoint);
    return { ...request, note, checkpoint: parseCheckpoint(note.body) };
  });
  if (typeof read === "string") return text(400, `the request is malformed: ${read}\n`);
  const { oldSize, proof, note, checkpoint } = read;
  const keys = keysOf.get(checkpoint.origin);
  if (keys === undefined) return text(404, "the log is not watched here\n");
  const verified = orProblem(() => verifyNote(note, keys, verify).verified);
  if (typeof verified === "string") return text(403, `the signatures do not do: ${verified}\n`);
  if (oldSize > checkpoint.size) {
    return text(400, `the old size is ${oldSize}, above the checkpoint's ${checkpoint.size}\n`);
  }
  const signatures = note.signatures.filter(({ name, keyId }) =>
    verified.some(({ key }) => key.name === name && equalBytes(key.keyId, keyId)),
  );
  return { oldSize, proof, checkpoint, note: { body: note.body, signatures } };
}

/** Why a checkpoint must not follow on the one that was cosigned last; undefined where it may. */
function judge(
  { oldSize, proof, checkpoint }: Proposal,
  stored: string | undefined,
): WitnessReply | undefined {
  const known = stored === undefined ? undefined : parseCheckpoint(parseNote(stored).body);
  const knownSize = known?.size ?? 0n;
  if (oldSize !== knownSize) {
    const reply = { status: 409, contentType: SIZE, body: `${knownSize}\n` };
    const isFork = known?.size === checkpoint.size && !equalBytes(known.root, checkpoint.root);
    return isFork ? { ...reply, isContradiction: true } : reply;
  }
  const hasher = createTreeHasher();
  if (checkpoint.size === 0n && !equalBytes(checkpoint.root, hasher.empty)) {
    return contradiction("the root of a log of size 0 is not that of the empty tree\n");
  }
  if (oldSize === 0n || oldSize === checkpoint.size) {
    if (proof.length > 0) return text(422, `the proof has ${proof.length} lines where none are needed\n`);
    const isSame =
      known === undefined || oldSize < checkpoint.size || equalBytes(known.root, checkpoint.root);
    return isSame ? undefined : contradiction(`another root is known at size ${checkpoint.size}\n`);
  }
  const claim = {
    oldSize,
    newSize: checkpoint.size,
    oldRoot: known?.root ?? hasher.empty,
    newRoot: checkpoint.root,
    proof,
  };
  const problem = consistencyProblem(claim);
  if (problem === undefined) return undefined;
  const reason = `the log has not only grown: ${problem}\n`;
  return isForkShown(claim) ? contradiction(reason) : text(422, reason);
}

function contradiction(reason: string): WitnessReply {
  return { ...text(422, reason), isContradiction: true };
}

/** The result, or what is wrong with the input, in words. */
function orProblem<Result extends object>(read: () => Result): Result | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof TlogError) return error.message;
    throw error;
  }
}

function text(status: number, body: string): WitnessReply {
  return { status, contentType: TEXT, body };
}
