// A store in DynamoDB Local with its first lanes, and events such as a tenant of some size has.
import type { LaneDirectory } from "#adapters/aws/dynamo-directory.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import type { EventStore, EventTable } from "#service/ports.ts";
import { entriesOf } from "#test/contract/sample-batches.ts";
import { sampleLine, timeAt } from "#test/contract/sample-lines.ts";
import { fastTiming } from "#test/support/dynamodb-faults.ts";
import type { DynamoDbLocal } from "#test/support/dynamodb-local.ts";

/** The lanes before any are published. */
export const FIRST_LANES: LaneDirectory = { epochs: async () => [FIRST_EPOCH] };

export interface OpenedStore {
  readonly store: EventStore;
  readonly table: EventTable;
  readonly put: (lines: readonly PreparedLine[]) => Promise<void>;
  readonly tableName: string;
}

/** Over a table of its own. */
export async function openDynamoStore({ client, createTables }: DynamoDbLocal): Promise<OpenedStore> {
  const { eventTable: tableName } = await createTables();
  const parts = { client, tableName, directory: FIRST_LANES };
  const table = createDynamoEventTable({ ...parts, retentionDays: 90 });
  return {
    tableName,
    table,
    store: createDynamoEventStore({ ...parts, timing: fastTiming(), isDrained: async () => true }),
    put: async (lines) => {
      await table.insert(entriesOf(lines));
    },
  };
}

/** One second apart: ten services, twenty users and resources, two errors in a hundred. */
function mixedLine(tenantId: string, n: number): PreparedLine {
  return sampleLine({
    tenant_id: tenantId,
    event_id: `event-${String(n).padStart(6, "0")}`,
    timestamp: timeAt(n),
    service_name: `service-${n % 10}`,
    user_id: `user-${n % 20}`,
    resource_id: `/r/${n % 20}`,
    resource_type: "file",
    level: n % 50 === 0 ? "ERROR" : "INFO",
    request_id: `request-${n}`,
  });
}

export function mixedLines(tenantId: string, count: number, from = 0): readonly PreparedLine[] {
  return Array.from({ length: count }, (_, index) => mixedLine(tenantId, from + index));
}
