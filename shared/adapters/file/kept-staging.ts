/**
 * Staging objects of a file log outlive publication: they are what tiles are durable in until the tiles themselves are.
 * That is seen to later, when the system has written them back and a sync costs little; after a power cut tiles are
 * brought back from here.
 */
import type { FileLogStore } from "#adapters/file/file-log-store.ts";
import type { Growth } from "#adapters/file/tidy-sealed.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { STAGING_PREFIX } from "#service/log-layout.ts";
import type { LogLedger } from "#service/log-ports.ts";
import type { ArchivedObject } from "#service/ports.ts";
import type { Staging } from "#service/staging.ts";
import { decodeStaging } from "#service/staging.ts";

export interface SealedFiles {
  readonly store: FileLogStore;
  readonly ledger: LogLedger;
}

export interface SettleOptions extends SealedFiles {
  readonly nowMs: number;
  /** No other staging object is begun once it says so. */
  readonly isOverdue: () => boolean;
}

/** Linux writes back what is 30 s old, every 5 s, and ext4 commits its journal every 5 s. */
const WRITTEN_BACK_MS = 60_000;
/** Some tiles, whose sync costs nothing that anybody notices. */
const SMALL_BYTES = 64 * 1024;
/** As `stagingKey` writes it. */
const STAGING_KEY = /^staging\/(\d{16})-(\d{16})-/;

/** Makes tiles of earlier seals durable and lets go of their staging objects. That of the head stays: it can be replayed. */
export async function settleStaging(options: SettleOptions): Promise<void> {
  const { store, nowMs, isOverdue } = options;
  for (const { key, bytes, modifiedMs, isHead } of await sealed(options)) {
    const isOld = Math.abs(nowMs - modifiedMs) >= WRITTEN_BACK_MS; // the clock may have been set back meanwhile
    const isDue = isOld || bytes <= SMALL_BYTES;
    if (isHead || !isDue) continue;
    if (isOverdue()) return;
    const staging = await read(store, key);
    if (staging === undefined) continue;
    await store.settle(staging.objects);
    await store.remove([key]);
  }
}

/** To be called before anything is sealed, when a process begins. */
export async function restoreTiles(files: SealedFiles): Promise<void> {
  await files.store.removeDrafts();
  for (const { key } of await sealed(files)) {
    const staging = await read(files.store, key);
    if (staging !== undefined) await files.store.restore(staging.objects);
  }
}

export function growthOf(stagingKey: string): Growth | undefined {
  const match = STAGING_KEY.exec(stagingKey);
  return match === null ? undefined : { oldSize: Number(match[1]), newSize: Number(match[2]) };
}

interface KeptStaging extends ArchivedObject {
  readonly isHead: boolean;
}

/** Staging objects that led to the head, oldest first. What was staged and never committed to is passed over. */
async function sealed({ store, ledger }: SealedFiles): Promise<readonly KeptStaging[]> {
  const head = (await ledger.readHead())?.staging;
  const reached = head === undefined ? undefined : growthOf(head);
  const kept: KeptStaging[] = [];
  if (reached === undefined) return kept;
  for await (const object of store.list(STAGING_PREFIX)) {
    const growth = growthOf(object.key);
    const isHead = object.key === head;
    if (isHead || (growth !== undefined && growth.newSize <= reached.oldSize))
      kept.push({ ...object, isHead });
  }
  return kept;
}

/** undefined where it cannot be read any more: it is kept, and verification tells whether tiles are missing. */
async function read(store: FileLogStore, key: string): Promise<Staging | undefined> {
  const bytes = await store.get(key);
  try {
    return bytes === undefined ? undefined : decodeStaging(bytes, key);
  } catch (error) {
    if (error instanceof AuditServiceError && !error.retryable) return undefined;
    throw error;
  }
}
