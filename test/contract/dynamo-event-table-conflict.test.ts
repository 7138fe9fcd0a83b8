// An event is kept for as long as anything is that is in conflict with it: with its id free again, the conflict sent once
// more would take that id, and stand twice.
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";

import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { ITEM, itemKey } from "#adapters/aws/keys.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { entriesOf } from "#test/contract/sample-batches.ts";
import { freshTenant, RECEIVED_AT_MS, sampleLine } from "#test/contract/sample-lines.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { FIRST_LANES } from "#test/support/dynamodb-store.ts";

const RECEIVED_AT = new Date(RECEIVED_AT_MS).toISOString();
const DAY_S = 86_400;
const EXPIRY_S = RECEIVED_AT_MS / 1000 + 90 * DAY_S;

/** The same line, accepted so many days later. */
function later(line: PreparedLine, days: number): PreparedLine {
  const receivedAt = new Date(RECEIVED_AT_MS + days * DAY_S * 1000).toISOString();
  const text = line.text.replace(`"received_at":"${RECEIVED_AT}"`, `"received_at":"${receivedAt}"`);
  return { ...line, text };
}

describeDynamo("DynamoDB", (dynamo) => {
  it.each([
    { days: 50, expiryS: EXPIRY_S + 50 * DAY_S },
    { days: -50, expiryS: EXPIRY_S },
  ])(
    "keeps an event whose conflict came $days days later until the later of both",
    async ({ days, expiryS }) => {
      const { client, createTables } = dynamo();
      const { eventTable: tableName } = await createTables();
      const table = createDynamoEventTable({ client, tableName, directory: FIRST_LANES, retentionDays: 90 });
      const tenantId = freshTenant();
      const members = { tenant_id: tenantId, event_id: "one" };
      const [first] = entriesOf([sampleLine(members)]);
      const [other] = entriesOf([later(sampleLine({ ...members, message: "other" }), days)]);
      await table.insert([first!]);

      await table.noteConflict({ ...other!, eventId: "one!a" });

      const key = { [ITEM.key]: { S: itemKey(tenantId, "one") } };
      const { Item: item } = await client.send(new GetItemCommand({ TableName: tableName, Key: key }));
      expect(item?.[ITEM.expiry]?.N).toBe(String(expiryS));
    },
  );
});
