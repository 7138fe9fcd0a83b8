/**
 * Publishes checkpoints: the note of the head with a freshness cosignature beside. Always from the version that was read, so
 * that a slow sealer never puts an older checkpoint over a newer one. Signature lines of witnesses are added later.
 */
import { CHECKPOINT_KEY, VERIFIER_KEY_KEY, VERIFIER_KEYS_KEY } from "#service/log-layout.ts";
import type { LogIdentity, OwnCheckpoint } from "#service/log-identity.ts";
import type { LogStore } from "#service/log-ports.ts";
import type { Clock } from "#service/ports.ts";
import type { Published } from "#service/seal-state.ts";
import { readPublished, refuseContradiction } from "#service/seal-state.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { toHex } from "#tlog/bytes.ts";
import type { NoteSignature } from "#tlog/note.ts";
import { formatNote } from "#tlog/note.ts";

export interface PublishDeps {
  readonly store: Pick<LogStore, "readVersion" | "replace">;
  readonly identity: LogIdentity;
  readonly clock: Clock;
}

/**
 * A reader can trust that a checkpoint which is older is not the newest. Each renewal costs a signature and a PUT: $0.09 a month
 * at KMS and S3 prices of us-east-1.
 */
const FRESHNESS_MS = 10 * 60_000;
/** Each time round another writer has got through; with so many something is wrong. */
const MAX_ROUNDS = 10;

/**
 * Publishes the head; one that is published already, or a newer one, is left.
 * @param known what was published when it was last read
 * @returns what is published now
 * @throws AuditStorageError `log-diverged` where the same size is published with another root; `storage-unavailable`
 */
export async function publishCheckpoint(
  deps: PublishDeps,
  head: OwnCheckpoint,
  known: Published | undefined,
): Promise<OwnCheckpoint> {
  const fresh = await deps.identity.cosign(head.note.body, timeFor(deps.clock, known));
  const text = formatNote({
    body: head.note.body,
    signatures: fresh === undefined ? head.note.signatures : [...head.note.signatures, fresh],
  });
  let published = known;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (published !== undefined && published.size >= head.size) {
      if (published.size === head.size) refuseContradiction(published, head);
      return published;
    }
    const bytes = Buffer.from(text, "utf8");
    if ((await deps.store.replace(CHECKPOINT_KEY, bytes, published?.version)) === "replaced")
      return deps.identity.read(text, "published checkpoint");
    published = await readPublished(deps.store, deps.identity);
  }
  throw unsettled(CHECKPOINT_KEY);
}

/** Whether the time on what is published is old, or lies so far ahead that the clock must have been set back since. */
export function isFreshnessDue({ freshAtMs }: OwnCheckpoint, { nowMs }: Clock): boolean {
  return freshAtMs === undefined || Math.abs(nowMs() - freshAtMs) >= FRESHNESS_MS;
}

/**
 * A cosignature says that at its time the log was of its size: behind one for a smaller size its time must not be earlier, as
 * where a clock is set right by seconds. Where it was far ahead, the truth is worth more.
 */
function timeFor({ nowMs }: Clock, before: Published | undefined): number {
  const aheadMs = (before?.freshAtMs ?? 0) - nowMs();
  return nowMs() + (aheadMs > 0 && aheadMs < FRESHNESS_MS ? aheadMs : 0);
}

/**
 * Puts a new freshness cosignature in the place of the old one.
 * @returns what is published now; undefined where another sealer came between, or there is no cosigner
 */
export async function renewFreshness(
  { store, identity, clock }: PublishDeps,
  published: Published,
): Promise<OwnCheckpoint | undefined> {
  const { body, signatures } = published.note;
  const fresh = await identity.cosign(body, clock.nowMs());
  if (fresh === undefined) return undefined;
  const kept = signatures.filter((signature) => !identity.isFreshness(signature));
  const text = formatNote({ body, signatures: [...kept, fresh] });
  const outcome = await store.replace(CHECKPOINT_KEY, Buffer.from(text, "utf8"), published.version);
  return outcome === "replaced" ? identity.read(text, "published checkpoint") : undefined;
}

/** Adds signatures to the published checkpoint, in the place of older ones of their keys, as long as it is this one. */
export async function addSignatures(
  { store, identity }: PublishDeps,
  body: string,
  added: readonly NoteSignature[],
): Promise<void> {
  const keys = new Set(added.map(keyOf));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const published = await readPublished(store, identity);
    if (published?.note.body !== body) return;
    const kept = published.note.signatures.filter((signature) => !keys.has(keyOf(signature)));
    const bytes = Buffer.from(formatNote({ body, signatures: [...kept, ...added] }), "utf8");
    if ((await store.replace(CHECKPOINT_KEY, bytes, published.version)) === "replaced") return;
  }
}

/**
 * Publishes the keys by which a stranger checks the log, where they are not published so.
 * @param witnessKeys verifier keys of witnesses, which stand behind those of the log; undefined: those that are there
 */
export async function publishKeys(
  { store, identity }: Pick<PublishDeps, "store" | "identity">,
  witnessKeys: readonly string[] | undefined,
): Promise<void> {
  const [logKey = ""] = identity.verifierKeys;
  await keepText(store, VERIFIER_KEY_KEY, { text: `${logKey}\n`, mayGoOn: false });
  const keys = [...identity.verifierKeys, ...(witnessKeys ?? [])];
  const mayGoOn = witnessKeys === undefined;
  await keepText(store, VERIFIER_KEYS_KEY, { text: `${keys.join("\n")}\n`, mayGoOn });
}

interface KeptText {
  readonly text: string;
  /** Whether what is stored may have more behind it. */
  readonly mayGoOn: boolean;
}

async function keepText(
  store: PublishDeps["store"],
  key: string,
  { text, mayGoOn }: KeptText,
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const found = await store.readVersion(key);
    const stored = found && Buffer.from(found.bytes).toString("utf8");
    if (stored === text || (mayGoOn && stored?.startsWith(text) === true)) return;
    if ((await store.replace(key, Buffer.from(text, "utf8"), found?.version)) === "replaced") return;
  }
  throw unsettled(key);
}

function keyOf({ name, keyId }: NoteSignature): string {
  return `${name}+${toHex(keyId)}`;
}

function unsettled(key: string): AuditStorageError {
  const message = `object ${key} was replaced by others ${MAX_ROUNDS} times in a row`;
  return new AuditStorageError("storage-unavailable", message, { retryable: true });
}
