/**
 * Archive, tables and ledger of a deployment on AWS, opened together: none is written to before it is known that they
 * belong together.
 */
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoDirectory } from "#adapters/aws/dynamo-directory.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { createEventTableMark, createLedgerMark } from "#adapters/aws/dynamo-mark.ts";
import { createS3Archive } from "#adapters/aws/s3-archive.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import type { DeploymentParts } from "#service/deployment.ts";
import { openDeployment } from "#service/deployment.ts";
import type { Archive, EventTable, Ledger } from "#service/ports.ts";

export interface WritableStoreOptions extends Pick<DeploymentParts, "newIncarnation" | "fillRandom"> {
  readonly dynamo: DynamoSender;
  readonly s3: S3Sender;
  readonly tableName: string;
  readonly ledgerName: string;
  readonly archiveBucket: string;
  /** Days from `received_at` for which an event stays in the table. */
  readonly hotRetentionDays: number;
}

export interface WritableStore {
  readonly archive: Archive;
  readonly table: EventTable;
  readonly ledger: Ledger;
  /** Secret bytes, from which the ids of conflicts are derived. */
  readonly conflictKey: Uint8Array;
}

/**
 * Founds the deployment where there is none.
 * @throws AuditStorageError `storage-unavailable`: not retryable where the parts do not belong together
 */
export async function openWritableStore(options: WritableStoreOptions): Promise<WritableStore> {
  const { dynamo: client, s3, tableName, ledgerName, archiveBucket, hotRetentionDays } = options;
  const archive = createS3Archive({ client: s3, bucket: archiveBucket });
  const { conflictKey } = await openDeployment({
    archive,
    marks: [createEventTableMark({ client, tableName }), createLedgerMark({ client, tableName: ledgerName })],
    newIncarnation: options.newIncarnation,
    fillRandom: options.fillRandom,
  });
  const directory = createDynamoDirectory({ client, ledgerName });
  const table = createDynamoEventTable({ client, tableName, directory, retentionDays: hotRetentionDays });
  const ledger = createDynamoLedger({ client, tableName: ledgerName });
  return { archive, table, ledger, conflictKey };
}
