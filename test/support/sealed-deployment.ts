// Persisting, sealing and keeping account on a deployment without functions: the real parts on the stand-ins, by a clock
// that a test drives.
import { createAccounting } from "#adapters/aws/aws-parts-accounting.ts";
import type { Accounting } from "#adapters/aws/aws-parts-accounting.ts";
import type { LogParts } from "#adapters/aws/aws-parts-log.ts";
import { createLogParts } from "#adapters/aws/aws-parts-log.ts";
import type { WritableStore } from "#adapters/aws/aws-parts-store.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createPersist } from "#service/persist.ts";
import type { Clock } from "#service/ports.ts";
import type { SealReport } from "#service/seal.ts";
import { createSealer } from "#service/seal.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { TEST_KEYS } from "#test/support/sealing-signers.ts";

const HOT_RETENTION_DAYS = 3650;

export interface SealedDeployment extends Accounting {
  readonly store: WritableStore;
  readonly parts: LogParts;
  readonly clock: Clock;
  readonly pass: (ms: number) => void;
  /** @returns the id of the batch */
  readonly persist: (lines: readonly PreparedLine[]) => Promise<string>;
  readonly seal: () => Promise<SealReport>;
}

/** Founds the deployment where there is none; its clock begins now. */
export async function openSealed({
  dynamo,
  s3,
  tables,
  bucket,
  openStore,
}: AwsDeployment): Promise<SealedDeployment> {
  let passedMs = 0;
  const clock = { nowMs: () => Date.now() + passedMs };
  const store = await openStore();
  const options = {
    dynamo: dynamo.client,
    s3: s3.client,
    tableName: tables.eventTable,
    ledgerName: tables.ledgerTable,
    archiveBucket: bucket,
    archiveLock: undefined,
    hotRetentionDays: HOT_RETENTION_DAYS,
    clock,
  };
  const parts = createLogParts(store, options);
  let random = 0;
  const fillRandom = (bytes: Buffer): unknown => bytes.fill(++random % 256);
  const { newEventId: newBatchId } = createIdentifiers({ nowMs: clock.nowMs, fillRandom });
  const persist = createPersist({ ...store, newBatchId });
  const { ledger, store: log, source } = parts;
  const sealer = createSealer({ ...TEST_KEYS, ledger, store: log, source, witnesses: [], clock });
  return {
    ...createAccounting(store, options),
    store,
    parts,
    clock,
    pass: (ms) => {
      passedMs += ms;
    },
    persist: async (lines) => (await persist(lines)).batchId ?? "",
    seal: () => sealer.run(),
  };
}
