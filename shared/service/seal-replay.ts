/**
 * Publishes what a seal has staged, from its objects to the removal of what is needed no longer. Any number of sealers may
 * do it at once and again: every step finds what is done and goes on. The order is the protocol (docs/adr/0011-sealing.md).
 */
import { AuditStorageError } from "#lib/errors.ts";
import type { OwnCheckpoint } from "#service/log-identity.ts";
import { LOG_PREFIX } from "#service/log-layout.ts";
import { logDiverged } from "#service/log-diverged.ts";
import type { LogStore, SealSource, StagedObject } from "#service/log-ports.ts";
import { forEachParallel } from "#service/parallel.ts";
import type { PublishDeps } from "#service/publish-checkpoint.ts";
import { publishCheckpoint } from "#service/publish-checkpoint.ts";
import type { CommittedHead, Published } from "#service/seal-state.ts";
import type { Staging } from "#service/staging.ts";
import { decodeStaging } from "#service/staging.ts";

export interface ReplayDeps extends PublishDeps {
  readonly store: LogStore;
  readonly source: Pick<SealSource, "settle" | "tidy">;
}

/** Tiles stored at once: mostly waiting for the store. */
const PARALLEL_PUTS = 16;

/** @returns what is published then */
export async function publishStaged(
  deps: ReplayDeps,
  staging: Staging,
  { head, published }: { readonly head: OwnCheckpoint; readonly published: Published | undefined },
): Promise<OwnCheckpoint> {
  await putObjects(deps.store, staging.objects);
  await deps.source.settle(staging.batches);
  const now = await publishCheckpoint(deps, head, published);
  await deps.source.tidy(staging.batches);
  return now;
}

/**
 * What led to the head; undefined where nothing did, or its object is gone.
 * @throws AuditStorageError `log-diverged` where it leads elsewhere; `storage-unavailable`, not retryable where it is damaged
 */
export async function readStaging(
  store: Pick<LogStore, "get">,
  { stored, size, rootHex }: CommittedHead,
): Promise<Staging | undefined> {
  if (stored.staging === undefined) return undefined;
  const bytes = await store.get(stored.staging);
  if (bytes === undefined) return undefined;
  const staging = decodeStaging(bytes, stored.staging);
  if (staging.newSize === size && staging.rootHex === rootHex) return staging;
  const problem = `staging object ${stored.staging} leads to size ${staging.newSize} with root ${staging.rootHex}, the head of the ledger is size ${size} with root ${rootHex}`;
  throw logDiverged(problem, { details: { key: stored.staging, headSize: size, headRoot: rootHex } });
}

/**
 * Stores an object where it is not stored yet.
 * @throws AuditStorageError `log-diverged` where other bytes are stored under its key
 */
export async function putSealed(store: LogStore, { key, bytes }: StagedObject): Promise<void> {
  if ((await store.putIfAbsent(key, bytes)) === "created") return;
  const stored = await store.get(key);
  if (stored === undefined) throw vanished(key);
  if (Buffer.compare(stored, bytes) === 0) return;
  throw logDiverged(`object ${key} is stored already, with other content than was sealed`, {
    details: { key },
  });
}

/** Tiles and bundles at once, then what stands beside them in its order. */
async function putObjects(store: LogStore, objects: readonly StagedObject[]): Promise<void> {
  const tiles = objects.filter(({ key }) => key.startsWith(LOG_PREFIX));
  await forEachParallel(tiles, PARALLEL_PUTS, (object) => putSealed(store, object));
  for (const object of objects) if (!object.key.startsWith(LOG_PREFIX)) await putSealed(store, object);
}

function vanished(key: string): AuditStorageError {
  const message = `object ${key} was there and is gone`;
  return new AuditStorageError("storage-unavailable", message, { retryable: true });
}
