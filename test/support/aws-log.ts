// The log of a deployment on the stand-ins: what persists lines, what seals them, and what finds them, with a key in memory.
import { randomFillSync } from "node:crypto";

import type { WritableStore } from "#adapters/aws/aws-parts-store.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoLeafStore } from "#adapters/aws/dynamo-leaf-store.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { createDynamoLogLedger } from "#adapters/aws/dynamo-log-ledger.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { createS3LogStore } from "#adapters/aws/s3-log-store.ts";
import { createObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createBatchSealSource } from "#service/batch-seal-source.ts";
import type { LeafStore, LogStore } from "#service/log-ports.ts";
import type { Persist } from "#service/persist.ts";
import { createPersist } from "#service/persist.ts";
import type { Sealer } from "#service/seal.ts";
import { createSealer } from "#service/seal.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { fastTiming } from "#test/support/dynamodb-faults.ts";
import { STAND_IN_CREDENTIALS } from "#test/support/s3-stand-in.ts";
import { TEST_KEYS } from "#test/support/sealing-signers.ts";

export interface AwsLog {
  readonly persist: Persist;
  readonly sealer: Sealer;
  readonly leaves: LeafStore;
  readonly objects: LogStore;
  readonly store: WritableStore;
}

/** What a sealer reaches DynamoDB and S3 by, where that is not what everybody else does. */
export interface SealerClients {
  readonly dynamo?: DynamoSender;
  readonly s3?: S3Sender;
}

/** Founds the deployment where it is not founded yet. */
export async function openAwsLog(deployment: AwsDeployment, clients: SealerClients = {}): Promise<AwsLog> {
  const { dynamo, tables, s3, bucket } = deployment;
  const { client } = dynamo;
  const own = { client: clients.dynamo ?? client, tableName: tables.ledgerTable, timing: fastTiming() };
  const clock = { nowMs: Date.now };
  const store = await deployment.openStore();
  const objects = createS3LogStore({ client: clients.s3 ?? s3.client, bucket, clock });
  const ledger = { ...createDynamoLedger(own), ...createDynamoSealLedger(own) };
  const newBatchId = createIdentifiers({ ...clock, fillRandom: randomFillSync }).newEventId;
  const source = createBatchSealSource({ ...store, ledger, archive: objects, clock });
  return {
    store,
    objects,
    persist: createPersist({ ...store, newBatchId }),
    sealer: createSealer({
      ...TEST_KEYS,
      ledger: createDynamoLogLedger(own),
      store: objects,
      source,
      witnesses: [],
      clock,
    }),
    leaves: createDynamoLeafStore({
      client,
      tableName: tables.eventTable,
      ledgerName: tables.ledgerTable,
      objects: createObjectReader(bucket, {
        region: "us-east-1",
        endpoint: s3.url,
        credentials: STAND_IN_CREDENTIALS,
      }),
    }),
  };
}
