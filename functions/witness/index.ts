/** The witness function on AWS: environment → table, key → handler. It runs in an account without the logs it watches. */
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createDynamoWitnessStore } from "#adapters/aws/dynamo-witness-store.ts";
import { createKmsClient } from "#adapters/aws/kms-client.ts";
import { openKmsLogSigner } from "#adapters/aws/kms-log-signer.ts";
import { readAwsConfig } from "#functions/config.ts";
import { once } from "#functions/once.ts";
import { createRuntime } from "#functions/runtime.ts";
import type { WitnessFunction } from "#functions/witness/app.ts";
import { createWitnessFunction } from "#functions/witness/app.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import { createWitnessRequests } from "#service/witness-requests.ts";
import { createWitness, logsOfKeys } from "#service/witness.ts";

const config = readAwsConfig(["witnessTable", "witnessKeyArn", "witnessName", "witnessLogKeys"]);
const { witnessTable: tableName, witnessKeyArn: keyArn, witnessName: name, serviceName } = config;
const { clock, telemetry, write: writeMetrics } = createRuntime(config);
const store = createDynamoWitnessStore({ client: createDynamoClient(), tableName });
const kms = createKmsClient();
const logs = logsOfKeys(config.witnessLogKeys);

const witness = once(async () => {
  const signer = await openKmsLogSigner({ client: kms, keyArn, name });
  const requests = createWitnessRequests(
    createWitness({ logs, store, signer, clock, verify: verifyEd25519 }),
    ({ code, message }) => telemetry.error("the witness could not answer", { code, error: message }),
  );
  return createWitnessFunction({ requests, clock, telemetry, serviceName, writeMetrics });
});

export const handler: WitnessFunction = async (event) => (await witness())(event);
