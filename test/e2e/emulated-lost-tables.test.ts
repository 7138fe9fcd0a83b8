// What readers are told where a table lacks what was stored: that it does, and never that there is nothing.
import { DeleteItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import { EVENT_TABLE_MARK, LEDGER_MARK } from "#adapters/aws/dynamo-mark-reader.ts";
import { clientOptions } from "#infra/emulated/config.ts";
import { ownStack } from "#test/support/emulated.ts";
import { ask } from "#test/support/http-service.ts";

it.each([
  { title: "events", output: "TableName", key: EVENT_TABLE_MARK },
  { title: "ledger", output: "LedgerName", key: LEDGER_MARK },
])("are refused, and health names the table, where one was emptied: $title", async ({ output, key }) => {
  const stack = await ownStack();
  await stack.sources[0]?.target.invoke({ Records: [] }); // founds the deployment
  const table = stack.names[output] ?? "";
  const dynamo = new DynamoDBClient(clientOptions(stack.endpoints.dynamodb));
  await dynamo.send(new DeleteItemCommand({ TableName: table, Key: key }));

  const [page, event, health] = await Promise.all(
    ["/events", "/events/some-id", "/health"].map((path) => ask(stack, path)),
  );

  expect([page?.status, event?.status, health?.status]).toEqual([503, 503, 503]);
  expect(page?.json).toMatchObject({ code: "storage-unavailable" });
  expect(health?.json.storage).toMatchObject({
    status: "unhealthy",
    problems: [expect.stringMatching(`^table ${table} is empty .*\`auditlog rebuild\`$`)],
  });
});
