/** The seal function on AWS: environment → S3, DynamoDB, KMS → handler. Refuses to seal what does not belong together. */
import { createLogParts } from "#adapters/aws/aws-parts-log.ts";
import { openWritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createKmsClient } from "#adapters/aws/kms-client.ts";
import { openLogKeys } from "#adapters/aws/kms-log-signer.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { createHttpWitness } from "#adapters/web/http-witness.ts";
import { readAwsConfig } from "#functions/config.ts";
import { once } from "#functions/once.ts";
import { createRuntime } from "#functions/runtime.ts";
import type { Seal } from "#functions/seal/app.ts";
import { createSeal } from "#functions/seal/app.ts";
import { createPace } from "#functions/seal/pace.ts";
import { createSealer } from "#service/seal.ts";

const STORE = ["tableName", "ledgerName", "archiveBucket", "hotRetentionDays", "archiveLock"] as const;
const LOG = ["logOrigin", "logKeyArn", "freshnessKeyArn", "witnesses", "sealPace"] as const;
const config = readAwsConfig([...STORE, ...LOG]);
const { logOrigin: origin, logKeyArn, freshnessKeyArn, sealPace, serviceName } = config;
const runtime = createRuntime(config);
const clients = { dynamo: createDynamoClient(), s3: createS3Client() };
const kms = createKmsClient();
const { clock, fillRandom, newUuid, storeCheck, write: writeMetrics } = runtime;
const options = { ...config, ...clients, clock, fillRandom, newIncarnation: newUuid };
const openStore = once(() => openWritableStore(options), storeCheck);

const seal = once(async () => {
  const parts = createLogParts(await openStore(), options);
  const keys = await openLogKeys(kms, { origin, logKeyArn, freshnessKeyArn });
  const witnesses = config.witnesses.map(createHttpWitness);
  const sealer = createSealer({ ...parts, ...keys, witnesses, clock });
  const isWorthIt = createPace({ ledger: parts.pending, log: parts.ledger, clock, sealPace });
  return createSeal({ ...runtime, ...parts, sealer, isWorthIt, serviceName, writeMetrics });
});

export const handler: Seal = async (event) =>
  openStore()
    .then(seal)
    .then((run) => run(event));
