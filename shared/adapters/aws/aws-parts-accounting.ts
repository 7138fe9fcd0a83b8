/** The parts that keep account of what was accepted on AWS, on a store that is known to belong together. */
import type { WritableStore, WritableStoreOptions } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoItemCheck } from "#adapters/aws/dynamo-item-check.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import type { SurveyBatches } from "#service/inventory-batches.ts";
import { createBatchSurvey } from "#service/inventory-batches.ts";
import { createCompleteUnsealed } from "#service/janitor-sealed.ts";
import type { JanitorReport } from "#service/janitor.ts";
import { createJanitor } from "#service/janitor.ts";
import type { Clock } from "#service/ports.ts";
import type { ReconcileReport } from "#service/reconcile-note.ts";
import type { ReconcileRequest } from "#service/reconcile.ts";
import { createReconcile } from "#service/reconcile.ts";

export interface AccountingOptions
  extends Pick<WritableStoreOptions, "dynamo" | "tableName" | "ledgerName" | "hotRetentionDays"> {
  readonly clock: Clock;
}

export interface Accounting {
  readonly janitor: () => Promise<JanitorReport>;
  readonly survey: SurveyBatches;
  readonly reconcile: (request: ReconcileRequest) => Promise<ReconcileReport | undefined>;
}

const DAY_MS = 86_400_000;

export function createAccounting(
  store: WritableStore,
  { dynamo: client, tableName, ledgerName, hotRetentionDays, clock }: AccountingOptions,
): Accounting {
  const { archive, ledger } = store;
  const sealing = createDynamoSealLedger({ client, tableName: ledgerName });
  const items = createDynamoItemCheck({ client, tableName });
  const rows = { ledger, sealing };
  const complete = createCompleteUnsealed({ archive, ...rows, complete: createCompleteBatch(store) });
  const hotRetentionMs = hotRetentionDays * DAY_MS;
  return {
    janitor: createJanitor({ ...store, clock, complete }),
    survey: createBatchSurvey({ archive, ...rows, clock }),
    reconcile: createReconcile({ archive, ledger, items, restore: rows, clock, hotRetentionMs }),
  };
}
