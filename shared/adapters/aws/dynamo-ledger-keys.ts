/** Keys of the rows of batches and of the pointers to them, and the one pointer that has nothing else. */
import type { Item } from "#adapters/aws/event-item.ts";
import { batchPartition, LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";

/** Sort key of the one row in a batch's partition. */
const BATCH_SORT = "b";
const POINTER_FORMAT = "1";

export function batchKey(batchId: string): Item {
  return { [ROW.partition]: { S: batchPartition(batchId) }, [ROW.sort]: { S: BATCH_SORT } };
}

/** @param partition one of LEDGER_PARTITION */
export function pointerKey(partition: string, batchId: string): Item {
  return { [ROW.partition]: { S: partition }, [ROW.sort]: { S: batchId } };
}

/** Says that the log has no leaves yet for the lines of a batch. */
export function pendingPointer(batchId: string): Item {
  return { ...pointerKey(LEDGER_PARTITION.pending, batchId), [ROW.format]: { N: POINTER_FORMAT } };
}
