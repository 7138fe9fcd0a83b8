/** The parts that sealing works with on AWS, on a store that is known to belong together. */
import type { WritableStore, WritableStoreOptions } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoLogLedger } from "#adapters/aws/dynamo-log-ledger.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import type { LogLock } from "#adapters/aws/s3-log-store.ts";
import { createS3LogStore } from "#adapters/aws/s3-log-store.ts";
import { createBatchSealSource } from "#service/batch-seal-source.ts";
import type { OrphanReport } from "#service/janitor-orphans.ts";
import { createOrphanRemoval } from "#service/janitor-orphans.ts";
import type { LogLedger, LogStore, SealLedger, SealSource } from "#service/log-ports.ts";
import type { NoteLogProblem } from "#service/log-problem.ts";
import { createLogProblemNote } from "#service/log-problem.ts";
import type { Clock } from "#service/ports.ts";

export interface LogPartsOptions
  extends Pick<WritableStoreOptions, "dynamo" | "s3" | "ledgerName" | "archiveBucket"> {
  readonly archiveLock: LogLock | undefined;
  readonly clock: Clock;
}

export interface LogParts {
  readonly ledger: LogLedger;
  readonly pending: Pick<SealLedger, "pending">;
  readonly store: LogStore;
  readonly source: SealSource;
  readonly removeOrphans: () => Promise<OrphanReport>;
  readonly noteProblem: NoteLogProblem;
}

export function createLogParts(
  { conflictKey, ledger }: Pick<WritableStore, "conflictKey" | "ledger">,
  { dynamo: client, s3, ledgerName: tableName, archiveBucket: bucket, archiveLock, clock }: LogPartsOptions,
): LogParts {
  const seals = createDynamoSealLedger({ client, tableName });
  const store = createS3LogStore({ client: s3, bucket, clock, lock: archiveLock });
  const rows = { ...ledger, ...seals };
  return {
    ledger: createDynamoLogLedger({ client, tableName }),
    pending: seals,
    store,
    source: createBatchSealSource({ archive: store, ledger: rows, conflictKey, clock }),
    removeOrphans: createOrphanRemoval({ store, ledger }),
    noteProblem: createLogProblemNote(ledger, clock),
  };
}
