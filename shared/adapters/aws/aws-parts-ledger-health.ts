/** What the ledger on AWS tells health: how sealing stands, and the last inventory. */
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { createDynamoLogLedger } from "#adapters/aws/dynamo-log-ledger.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import type { Probe } from "#service/health.ts";
import type { Inventory } from "#service/inventory.ts";
import { readInventory } from "#service/inventory.ts";
import { createLogProbe } from "#service/log-probe.ts";
import type { Clock } from "#service/ports.ts";

export interface LedgerHealth {
  readonly log: Probe;
  readonly readInventory: () => Promise<Inventory | undefined>;
}

export function createLedgerHealth(
  { client, ledgerName: tableName }: { readonly client: DynamoSender; readonly ledgerName: string },
  clock: Clock,
): LedgerHealth {
  const options = { client, tableName };
  const ledger = createDynamoLedger(options);
  const head = createDynamoLogLedger(options);
  return {
    log: createLogProbe({ head, sealing: createDynamoSealLedger(options), ledger, clock }),
    readInventory: () => readInventory(ledger),
  };
}
