// What an event costs to write. PartiQL reports no capacity in DynamoDB Local, so the same items are measured by PutItem.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";

import { toItem } from "#adapters/aws/event-item.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import { cloudTrailRecords, convertCloudTrail } from "#event/cloudtrail.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { entriesOf } from "#test/contract/sample-batches.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { freshTenant, sampleLine } from "#test/contract/sample-lines.ts";
import type { DynamoDbLocal } from "#test/support/dynamodb-local.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

/** Folder of CloudTrail log files; the measurement is left out where there is none. */
const DATA = process.env["AUDIT_TEST_DATA"] ?? "../shared/data";
/** Every seventh record: enough for an average, and quick. */
const SAMPLE_STEP = 7;

/** A usual event of about 700 bytes. */
const USUAL = {
  action: "document_read",
  service_name: "billing-api",
  session_id: "01959123-4567-7abc-8def-0123456789ad",
  request_id: "01959123-4567-7abc-8def-0123456789ac",
  source_ip: "10.1.2.3",
  user_agent: "Mozilla/5.0 (X11; Linux x86_64)",
  message: "User opened a document",
  metadata: { plan: "pro", region: "eu-west-1", size: 81_200 },
  duration_ms: 12.5,
} as const;
const USER = { user_id: "ann@example.com" } as const;
const RESOURCE = { resource_type: "document", resource_id: "documents/01959123-4567-7abc" } as const;

interface Units {
  readonly table: number;
  readonly all: number;
}

async function unitsOf(
  { client }: DynamoDbLocal,
  tableName: string,
  lines: readonly PreparedLine[],
): Promise<Units> {
  const totals = { table: 0, all: 0 };
  for (const entry of entriesOf(lines)) {
    const item = toItem(entry, { epoch: FIRST_EPOCH, retentionDays: 90 });
    const put = new PutItemCommand({ TableName: tableName, Item: item, ReturnConsumedCapacity: "INDEXES" });
    const { ConsumedCapacity: capacity } = await client.send(put);
    totals.table += capacity?.Table?.CapacityUnits ?? 0;
    totals.all += capacity?.CapacityUnits ?? 0;
  }
  return totals;
}

/** Lines of the CloudTrail records of the data folder, a sample of them. */
function cloudTrailLines(tenantId: string): readonly PreparedLine[] {
  const folder = join(DATA, "cloudtrail");
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const records = files.flatMap((name) => {
    return cloudTrailRecords(JSON.parse(readFileSync(join(folder, name), "utf8"))) ?? [];
  });
  return records.flatMap((record, at) => {
    const converted = at % SAMPLE_STEP === 0 ? convertCloudTrail(record) : undefined;
    return converted?.kind === "converted" ? [sampleLine({ ...converted.draft, tenant_id: tenantId })] : [];
  });
}

function hasData(): boolean {
  try {
    return readdirSync(join(DATA, "cloudtrail")).length > 0;
  } catch {
    return false;
  }
}

describeDynamo("DynamoDB", (dynamo) => {
  describe("the write units of an event", () => {
    it.each<{ readonly title: string; readonly members: Members; readonly units: number }>([
      { title: "with user and resource", members: { ...USER, ...RESOURCE }, units: 4 },
      { title: "with a user", members: USER, units: 3 },
      { title: "with a resource", members: RESOURCE, units: 3 },
      { title: "with neither", members: {}, units: 2 },
      {
        title: "with the longest id",
        members: { event_id: "x".repeat(128), ...USER, ...RESOURCE },
        units: 4,
      },
    ])("$title are $units", async ({ members, units }) => {
      const { eventTable } = await dynamo().createTables();
      const line = sampleLine({ ...USUAL, tenant_id: freshTenant(), ...members });

      const measured = await unitsOf(dynamo(), eventTable, [line]);

      expect(measured).toEqual({ table: 1, all: units });
    });

    it("stay 4 for an event of 2 KB of usual text", async () => {
      const { eventTable } = await dynamo().createTables();
      const stack = Array.from(
        { length: 20 },
        (_, n) => `    at handler${n} (/var/task/billing/index.js:${n * 37}:12)`,
      );
      const members = { ...USUAL, ...USER, ...RESOURCE, error_code: "E17", stack_trace: stack.join("\n") };
      const line = sampleLine({ ...members, tenant_id: freshTenant() });

      const measured = await unitsOf(dynamo(), eventTable, [line]);

      expect(Buffer.byteLength(line.text)).toBeGreaterThan(1_700);
      expect(measured).toEqual({ table: 1, all: 4 });
    });

    it.skipIf(!hasData())("average at most 1.1 in the table over CloudTrail records", async () => {
      const { eventTable } = await dynamo().createTables();
      const lines = cloudTrailLines(freshTenant());

      const { table, all } = await unitsOf(dynamo(), eventTable, lines);

      const averages = [table, all].map((sum) => (sum / lines.length).toFixed(3));
      console.info(`${lines.length} records: ${averages[0]} units in the table, ${averages[1]} with indexes`);
      expect(lines.length).toBeGreaterThan(100);
      expect(table / lines.length).toBeLessThanOrEqual(1.1);
      expect(all / lines.length).toBeLessThanOrEqual(3.7);
    });
  });
});
