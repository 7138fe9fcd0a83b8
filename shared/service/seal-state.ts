/**
 * Where a log stands: what is published and what was committed to, read in this order. A sealer that is slow between the two
 * reads then finds the head ahead, which is usual; published ahead of the head is proof that the head was set back.
 */
import { CHECKPOINT_KEY } from "#service/log-layout.ts";
import { logDiverged } from "#service/log-diverged.ts";
import type { LogIdentity, OwnCheckpoint } from "#service/log-identity.ts";
import type { LogHead, LogLedger, LogStore } from "#service/log-ports.ts";

/** The published checkpoint and which version of its object it is. */
export interface Published extends OwnCheckpoint {
  readonly version: string;
}

export interface CommittedHead extends OwnCheckpoint {
  readonly stored: LogHead;
}

export interface LogState {
  readonly head: CommittedHead | undefined;
  readonly published: Published | undefined;
}

export interface StateDeps {
  readonly ledger: Pick<LogLedger, "readHead">;
  readonly store: Pick<LogStore, "readVersion">;
  readonly identity: LogIdentity;
}

/**
 * @throws AuditStorageError `log-diverged` where the two contradict each other or are not of this log; `storage-unavailable`
 */
export async function readLogState({ ledger, store, identity }: StateDeps): Promise<LogState> {
  const published = await readPublished(store, identity);
  const stored = await ledger.readHead();
  if (stored === undefined) {
    if (published === undefined) return { head: undefined, published };
    const problem = `a checkpoint of size ${published.size} is published, but the ledger has no head`;
    throw logDiverged(problem, { details: { publishedSize: published.size } });
  }
  const head = { ...identity.read(stored.checkpoint, "head in the ledger"), stored };
  if (published !== undefined) refuseContradiction(published, head);
  return { head, published };
}

/** @throws AuditStorageError `log-diverged` where it is not of this log */
export async function readPublished(
  store: Pick<LogStore, "readVersion">,
  identity: LogIdentity,
): Promise<Published | undefined> {
  const found = await store.readVersion(CHECKPOINT_KEY);
  if (found === undefined) return undefined;
  const text = Buffer.from(found.bytes).toString("utf8");
  return { ...identity.read(text, "published checkpoint"), version: found.version };
}

/** @throws AuditStorageError `log-diverged` where both cannot be of one log that grew from the one to the other */
export function refuseContradiction(published: OwnCheckpoint, head: OwnCheckpoint): void {
  const isBehind = published.size < head.size;
  if (isBehind || (published.size === head.size && published.rootHex === head.rootHex)) return;
  const problem = `published is size ${published.size} with root ${published.rootHex}, the head of the ledger is size ${head.size} with root ${head.rootHex}`;
  throw logDiverged(problem, {
    details: {
      publishedSize: published.size,
      publishedRoot: published.rootHex,
      headSize: head.size,
      headRoot: head.rootHex,
    },
  });
}
