/**
 * What a rebuild makes of the log. The published checkpoint is all that anybody outside has seen: the head is restored
 * from it, and what a sealer had begun to publish behind it is taken away, so that it is sealed anew. Its batches are all
 * there, because batch objects go only once the checkpoint that covers them is published; where they are not, the
 * published checkpoint was set back, and nothing is touched. Why so: docs/adr/0015-accounting.md.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { batchKey } from "#service/batch-object.ts";
import { MANIFEST_PREFIX, manifestKey, stagingPrefix } from "#service/log-layout.ts";
import type { LogHead, LogLedger, LogStore } from "#service/log-ports.ts";
import { leafLines } from "#service/manifest.ts";
import type { Clock } from "#service/ports.ts";
import type { PublishedCheckpoint } from "#service/read-log.ts";
import { createLogReader } from "#service/read-log.ts";
import { manifestEnd, readManifest } from "#service/reconcile-segments.ts";
import { readEdge } from "#service/seal-step.ts";
import type { Staging } from "#service/staging.ts";
import { decodeStaging } from "#service/staging.ts";
import { toHex } from "#tlog/bytes.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { formatNote, parseNote } from "#tlog/note.ts";

export interface RebuildLogDeps {
  readonly store: Pick<LogStore, "get" | "list" | "remove">;
  readonly ledger: LogLedger;
  readonly clock: Clock;
}

/** What the bucket says about the log, looked at before anything is changed. */
export interface FoundLog {
  /** Leaves of the published log, whose segments must all be there. */
  readonly size: number;
  /** Leaves of the head, which may be ahead while a seal is being published: their segments are restored where they are. */
  readonly end: number;
  /** The head to be written; undefined where the ledger has one, or there is no log. */
  readonly head: LogHead | undefined;
  /** Keys of objects behind the published checkpoint that were never part of a published log. */
  readonly unpublished: readonly string[];
}

/** A sealer runs for a minute, and a function for 15 at most: one that staged before has ended. */
const SEALER_ENDED_MS = 15 * 60_000;

/**
 * @throws AuditStorageError `storage-unavailable`, retryable where a sealer may still be at work; `log-diverged` where the
 *   published checkpoint does not fit what is stored
 */
export async function findLog(deps: RebuildLogDeps): Promise<FoundLog> {
  const [published, head] = await Promise.all([
    createLogReader(deps.store).checkpoint(),
    deps.ledger.readHead(),
  ]);
  const size = published?.size ?? 0;
  if (head !== undefined) return { size, end: sizeOf(head), head: undefined, unpublished: [] };
  const unpublished = published === undefined ? [] : await findUnpublished(deps, size);
  await refuseLater(deps, size, new Set(unpublished));
  if (published === undefined) return { size, end: size, head: undefined, unpublished };
  await checkRoot(deps, published);
  const checkpoint = ownSignatures(published.text);
  const restored = { checkpoint, staging: undefined, sealedAtMs: await sealedAt(deps, size) };
  return { size, end: size, head: restored, unpublished };
}

/**
 * Takes away what was not published, then writes the head.
 * @throws AuditStorageError `log-diverged` where the log has moved on meanwhile; `storage-unavailable`
 */
export async function restoreHead(deps: RebuildLogDeps, found: FoundLog): Promise<void> {
  if (found.head === undefined) return;
  const published = await createLogReader(deps.store).checkpoint();
  if (published?.size !== found.size)
    throw refusal(
      `the published log had size ${found.size} and has ${published?.size ?? 0} now: a sealer is at work; stop it and run it again with --resume`,
    );
  await deps.store.remove(found.unpublished);
  if ((await deps.ledger.swapHead(undefined, found.head)) === "swapped") return;
  const stored = await deps.ledger.readHead();
  if (stored?.checkpoint === found.head.checkpoint) return;
  throw refusal("somebody else wrote the head of the log meanwhile; stop the sealer and run it again");
}

/** Objects of seals that began at the published size and of which something was published. */
async function findUnpublished(deps: RebuildLogDeps, size: number): Promise<readonly string[]> {
  const keys = new Set<string>();
  for await (const { key, modifiedMs } of deps.store.list(stagingPrefix(size))) {
    const bytes = await deps.store.get(key);
    if (bytes === undefined) continue;
    if (modifiedMs > deps.clock.nowMs() - SEALER_ENDED_MS)
      throw new AuditStorageError(
        "storage-unavailable",
        `a sealer was at work within the last ${SEALER_ENDED_MS / 60_000} minutes; stop it, wait, and run it again`,
        { retryable: true },
      );
    const staging = decodeStaging(bytes, key);
    const stored = await storedOf(deps, staging);
    if (stored.length === 0) continue;
    await refuseSetBack(deps, staging, size);
    for (const storedKey of stored) keys.add(storedKey);
  }
  return [...keys];
}

/** Tiles first and the manifest last in the staging object: the order in which they are taken away does not matter. */
async function storedOf({ store }: RebuildLogDeps, { objects }: Staging): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const { key } of objects) if ((await store.get(key)) !== undefined) keys.push(key);
  return keys;
}

async function refuseSetBack({ store }: RebuildLogDeps, { batches }: Staging, size: number): Promise<void> {
  for (const batch of batches) {
    if (leafLines(batch).length === 0 || (await store.get(batchKey(batch.batchId))) !== undefined) continue;
    throw setBack(size, `batch object ${batch.batchId}, whose lines would come next, is gone`);
  }
}

/** What nobody began at the published size was published by somebody who had gone further. */
async function refuseLater(
  { store }: RebuildLogDeps,
  size: number,
  unpublished: ReadonlySet<string>,
): Promise<void> {
  for await (const { key } of store.list(MANIFEST_PREFIX, manifestKey(size)))
    if (manifestEnd(key) !== undefined && !unpublished.has(key)) throw setBack(size, `there is ${key}`);
}

async function checkRoot(
  { store }: RebuildLogDeps,
  { text, size, root }: PublishedCheckpoint,
): Promise<void> {
  const note = parseNote(text);
  await readEdge(store, { text, note, size, root, rootHex: toHex(root), freshAtMs: undefined });
}

async function sealedAt({ store, clock }: RebuildLogDeps, size: number): Promise<number> {
  if (size === 0) return clock.nowMs();
  return (await readManifest(store, manifestKey(size))).sealedAtMs;
}

/** The checkpoint as the ledger keeps it: without times and witnesses, which are added to what is published. */
function ownSignatures(text: string): string {
  const { body, signatures } = parseNote(text);
  const { origin } = parseCheckpoint(body);
  return formatNote({ body, signatures: signatures.filter(({ name }) => name === origin) });
}

function sizeOf({ checkpoint }: LogHead): number {
  return Number(parseCheckpoint(parseNote(checkpoint).body).size);
}

function setBack(size: number, proof: string): AuditStorageError {
  const message = `the published checkpoint is of size ${size}, but the log was larger: ${proof}; bring the newest version of log/checkpoint back`;
  return new AuditStorageError("log-diverged", message);
}

function refusal(message: string): AuditStorageError {
  return new AuditStorageError("log-diverged", message);
}
