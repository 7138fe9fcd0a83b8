/**
 * The writing side of the hot store. Inserts go 25 a call as PartiQL statements, which costs the consumer a seventh of
 * the CPU of single puts; each fails by itself where its key is taken. Entries whose index keeps being throttled are
 * inserted without index keys: an index may lag, an accepted event may not wait for it.
 */
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { createBackOff, isPassing, SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import { chunksOf, inParallel } from "#adapters/aws/parallel.ts";
import type { LaneDirectory } from "#adapters/aws/dynamo-directory.ts";
import { createInserter } from "#adapters/aws/dynamo-event-table-insert.ts";
import { batchBytes, expiryS, indexAttributes } from "#adapters/aws/event-item.ts";
import { ITEM, itemKey } from "#adapters/aws/keys.ts";
import { writingEpoch } from "#adapters/aws/lanes.ts";
import { MAX_NOTED_CONFLICTS } from "#service/conflict-id.ts";
import type { EventTable, InsertOutcome, TableEntry } from "#service/ports.ts";

export interface DynamoEventTableOptions {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly directory: LaneDirectory;
  /** Days from `received_at` for which an event stays in the hot store. */
  readonly retentionDays: number;
  readonly timing?: Timing;
}

/** The limit of BatchExecuteStatement. */
const MAX_STATEMENTS = 25;
const MAX_PARALLEL_BATCHES = 4;
const MAX_PARALLEL_UPDATES = 16;
/**
 * Of a call of `insert`, in which 200 batches may wait for each other: half of what the consumer has, so that it can still
 * put its messages off. What is in the table by then is found there by the next call.
 */
const INSERT_DEADLINE_MS = 60_000;
const UPDATE_DEADLINE_MS = 10_000;

export function createDynamoEventTable(options: DynamoEventTableOptions): EventTable {
  const { client, tableName, directory, retentionDays, timing = SYSTEM_TIMING } = options;
  const insertBatch = createInserter({ client, tableName, timing });

  const insert: EventTable["insert"] = async (entries) => {
    const untilMs = timing.monotonicMs() + INSERT_DEADLINE_MS;
    const epoch = writingEpoch(await directory.epochs(), timing.nowMs());
    const firsts = new Map<string, TableEntry>();
    for (const entry of entries) {
      const key = keyOf(entry);
      if (!firsts.has(key)) firsts.set(key, entry);
    }
    const batches = chunksOf([...firsts.values()], MAX_STATEMENTS);
    const outcomes = await inParallel(batches, MAX_PARALLEL_BATCHES, (batch) =>
      insertBatch(batch, { epoch, retentionDays, untilMs }),
    );
    const outcomeOf = new Map<TableEntry, InsertOutcome>();
    for (const [at, batch] of batches.entries()) {
      for (const [place, entry] of batch.entries()) {
        const outcome = outcomes[at]?.[place];
        if (outcome !== undefined) outcomeOf.set(entry, outcome);
      }
    }
    return entries.map((entry) => {
      const first = firsts.get(keyOf(entry)) ?? entry;
      const outcome = outcomeOf.get(first);
      if (outcome === undefined) throw new Error("an entry has no outcome");
      return entry === first ? outcome : asFound(first, outcome);
    });
  };

  const update = async (request: UpdateItemCommand, what: string): Promise<void> => {
    const backOff = createBackOff({ what, deadlineMs: UPDATE_DEADLINE_MS, timing });
    for (;;) {
      try {
        await client.send(request);
        return;
      } catch (cause) {
        if (isVendorError(cause, "ConditionalCheckFailedException")) return;
        if (!isPassing(cause)) throw storageError(what, cause);
        await backOff(cause);
      }
    }
  };

  const index: EventTable["index"] = async (entries) => {
    const epoch = writingEpoch(await directory.epochs(), timing.nowMs());
    await inParallel(entries, MAX_PARALLEL_UPDATES, async (entry) => {
      const attributes = Object.entries(indexAttributes(entry, epoch));
      const request = new UpdateItemCommand({
        TableName: tableName,
        Key: { [ITEM.key]: { S: keyOf(entry) } },
        UpdateExpression: `SET ${attributes.map(([name]) => `${name} = :${name}`).join(", ")}`,
        // What is indexed already stays in its lane, whatever epoch is written now.
        ConditionExpression: `${ITEM.batch} = :g AND ${ITEM.line} = :n AND attribute_not_exists(${ITEM.sort})`,
        ExpressionAttributeValues: {
          ...Object.fromEntries(attributes.map(([name, value]) => [`:${name}`, value])),
          ":g": { B: batchBytes(entry.batchId) },
          ":n": { N: String(entry.line) },
        },
      });
      await update(request, "the indexing of an event");
    });
  };

  const noteConflict: EventTable["noteConflict"] = async ({ eventId: conflictId, prepared }) => {
    const { key: pk, conflicts, expiry } = ITEM;
    const key = { [pk]: { S: itemKey(prepared.event.tenant_id, prepared.event.event_id) } };
    const note = new UpdateItemCommand({
      TableName: tableName,
      Key: key,
      UpdateExpression: `ADD ${conflicts} :ids`,
      ConditionExpression:
        `attribute_exists(${pk}) AND NOT contains(${conflicts}, :id) AND ` +
        `(attribute_not_exists(${conflicts}) OR size(${conflicts}) < :max)`,
      ExpressionAttributeValues: {
        ":ids": { SS: [conflictId] },
        ":id": { S: conflictId },
        ":max": { N: String(MAX_NOTED_CONFLICTS) },
      },
    });
    const keep = new UpdateItemCommand({
      TableName: tableName,
      Key: key,
      UpdateExpression: `SET ${expiry} = :e`,
      ConditionExpression: `attribute_exists(${pk}) AND ${expiry} < :e`,
      ExpressionAttributeValues: { ":e": { N: String(expiryS(prepared.text, retentionDays)) } },
    });
    await update(note, "the note of a conflict");
    await update(keep, "the keeping of an event in conflict");
  };

  return { insert, index, noteConflict };
}

function keyOf({ prepared, eventId }: TableEntry): string {
  return itemKey(prepared.event.tenant_id, eventId);
}

/** What a later entry of the same call with the same id finds. */
function asFound(first: TableEntry, outcome: InsertOutcome): InsertOutcome {
  if (outcome.kind === "exists") return outcome;
  const at = { batchId: first.batchId, line: first.line };
  return { kind: "exists", at, contentHash: first.prepared.contentHash, isIndexed: outcome.isIndexed };
}
