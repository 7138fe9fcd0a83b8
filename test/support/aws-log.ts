// The log of a deployment on the stand-ins: what persists lines, what seals them, and what finds them, with a key in memory.
import { generateKeyPairSync, randomFillSync, sign } from "node:crypto";

import type { WritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoLeafStore } from "#adapters/aws/dynamo-leaf-store.ts";
import { createDynamoLogLedger } from "#adapters/aws/dynamo-log-ledger.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import { createS3LogStore } from "#adapters/aws/s3-log-store.ts";
import { createObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createBatchSealSource } from "#service/batch-seal-source.ts";
import type { LeafStore, LogSigner, LogStore } from "#service/log-ports.ts";
import type { Persist } from "#service/persist.ts";
import { createPersist } from "#service/persist.ts";
import type { Sealer } from "#service/seal.ts";
import { createSealer } from "#service/seal.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { STAND_IN_CREDENTIALS } from "#test/support/s3-stand-in.ts";

export interface AwsLog {
  readonly persist: Persist;
  readonly sealer: Sealer;
  readonly leaves: LeafStore;
  readonly objects: LogStore;
  readonly store: WritableStore;
}

const ORIGIN = "log.example/aws";

/** Founds the deployment where it is not founded yet. */
export async function openAwsLog(deployment: AwsDeployment): Promise<AwsLog> {
  const { dynamo, tables, s3, bucket } = deployment;
  const { client } = dynamo;
  const clock = { nowMs: Date.now };
  const store = await deployment.openStore();
  const objects = createS3LogStore({ client: s3.client, bucket, clock });
  const options = { client, tableName: tables.ledgerTable };
  const ledger = { ...store.ledger, ...createDynamoSealLedger(options) };
  const newBatchId = createIdentifiers({ ...clock, fillRandom: randomFillSync }).newEventId;
  const source = createBatchSealSource({ ...store, ledger, archive: objects, clock });
  return {
    store,
    objects,
    persist: createPersist({ ...store, newBatchId }),
    sealer: createSealer({
      origin: ORIGIN,
      signers: [memorySigner(ORIGIN)],
      cosigner: undefined,
      ledger: createDynamoLogLedger(options),
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

/** A key that is gone with the process. */
export function memorySigner(name: string): LogSigner {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    name,
    publicKey: publicKey.export({ format: "der", type: "spki" }).subarray(-32),
    sign: async (message) => sign(null, message, privateKey),
  };
}
