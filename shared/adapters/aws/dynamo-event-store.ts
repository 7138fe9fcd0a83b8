/**
 * The reading side of the hot store: events by id, pages and counts from the indexes, and what health and flush ask.
 * Indexes lag behind the table by less than a second as a rule; an event is found by its id at once.
 */
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import { projectionOf } from "#adapters/aws/dynamo-client-batch-get.ts";
import type { LaneDirectory } from "#adapters/aws/dynamo-directory.ts";
import { probeTable } from "#adapters/aws/dynamo-table-probe.ts";
import { countMatches } from "#adapters/aws/dynamo-page-count.ts";
import type { PageSource } from "#adapters/aws/dynamo-page.ts";
import { readPage } from "#adapters/aws/dynamo-page.ts";
import { LINE_ATTRIBUTES, readFoundLine } from "#adapters/aws/event-item.ts";
import { ITEM, itemKey } from "#adapters/aws/keys.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { EventStore } from "#service/ports.ts";
import { pollUntil } from "#service/waiting.ts";

export interface DynamoEventStoreOptions {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly directory: LaneDirectory;
  /** Whether both queues report that they are empty. */
  readonly isDrained: () => Promise<boolean>;
  readonly timing?: Timing;
}

/** Longer than any caller of `flush` waits. */
const FLUSH_MS = 30_000;

export function createDynamoEventStore(options: DynamoEventStoreOptions): EventStore {
  const { client, tableName, directory, isDrained, timing = SYSTEM_TIMING } = options;
  const source = async (): Promise<PageSource> => {
    return { client, tableName, timing, epochs: await directory.epochs() };
  };

  const get: EventStore["get"] = async ({ tenantId, eventId }) => {
    const request = new GetItemCommand({
      TableName: tableName,
      Key: { [ITEM.key]: { S: itemKey(tenantId, eventId) } },
      ConsistentRead: true,
      ...projectionOf(LINE_ATTRIBUTES),
    });
    try {
      const { Item: item } = await client.send(request);
      return item === undefined ? undefined : readFoundLine(item);
    } catch (cause) {
      throw storageError("the read of an event", cause);
    }
  };

  const flush: EventStore["flush"] = async () => {
    const { monotonicMs, sleep } = timing;
    const isDone = await pollUntil(isDrained, (drained) => drained, { waitMs: FLUSH_MS, monotonicMs, sleep });
    if (isDone) return;
    const message = `the queues still hold events after ${FLUSH_MS} ms`;
    throw new AuditStorageError("storage-unavailable", message, { retryable: true });
  };

  return {
    get,
    page: async (plan) => readPage(plan, await source()),
    count: async (plan, maxMatches) => countMatches(plan, maxMatches, await source()),
    flush,
    probe: () => probeTable(client, tableName),
  };
}
