// The maintain function of the deployment on AWS: it compares what others have stored and sealed, tells it in metrics, and
// health says what is missing.
import { DeleteItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, it, vi } from "vitest";
import { ITEM, itemKey } from "#adapters/aws/keys.ts";
import { clientOptions } from "#infra/emulated/config.ts";
import type { TestStack } from "#test/support/emulated.ts";
import { emulatedStack } from "#test/support/emulated.ts";
import { ask, LOGIN, post } from "#test/support/http-service.ts";

const WAIT = { timeout: 15_000, interval: 100 };
const IDS = ["one", "two", "three"];

async function sealedStack(): Promise<TestStack> {
  const stack = await emulatedStack({ isSealing: true });
  for (const event_id of IDS) await post(stack, "/events", { ...LOGIN, event_id });
  for (const id of IDS)
    expect(await ask(stack, `/events/${id}/proof?wait=20`)).toMatchObject({ status: 200 });
  return stack;
}

/** Runs the maintain function, and answers both lines of metrics that it wrote; they may come behind its answer. */
async function maintain(stack: TestStack): Promise<readonly Readonly<Record<string, unknown>>[]> {
  stack.written.length = 0;
  await stack.functions.find(({ name }) => name.includes("Maintain"))?.invoke({});
  return vi.waitFor(() => {
    const lines = stack.written.join("").split("\n");
    const metrics = lines.filter((line) => line.includes("_aws") && line.endsWith("}"));
    expect(metrics).toHaveLength(2);
    return metrics.map((line) => JSON.parse(line));
  }, WAIT);
}

it("finds all equal, and health tells how the log stands", async () => {
  const stack = await sealedStack();

  const metrics = await maintain(stack);

  expect(metrics).toMatchObject([
    { UnaccountedEvents: 0, LateMessages: 0, LateEvents: 0, LostRows: 0, OrphanBatches: 0 },
    { ReconciledLeaves: 3, LogSizeDifference: 0, MissingItems: 0, MissingRows: 0, MissingSegments: 0 },
  ]);
  const { json: health } = await ask(stack, "/health");
  expect(health).toMatchObject({
    status: "healthy",
    log: { status: "healthy", size: 3, unsealed: 0, oldest_unsealed_s: null, compared_size: 3 },
    unaccounted_events: 0,
  });
  expect(health.log.origin).toMatch(/./);
});

it("notices a removed item, and health says so", async () => {
  const stack = await sealedStack();
  const dynamo = new DynamoDBClient(clientOptions(stack.endpoints.dynamodb));
  const Key = { [ITEM.key]: { S: itemKey("default", "two") } };
  await dynamo.send(new DeleteItemCommand({ TableName: stack.names["TableName"], Key }));

  const metrics = await maintain(stack);

  expect(metrics[1]).toMatchObject({ MissingItems: 1, LogSizeDifference: 0 });
  expect(stack.written.join("")).toMatch(/event two of tenant default, leaf \d, is missing in the hot store/);
  // One report serves everybody for 5 s: there may be one from before.
  await vi.waitFor(async () => {
    const { json: health } = await ask(stack, "/health");
    expect(health).toMatchObject({
      status: "degraded",
      log: { problems: [expect.stringMatching(/found: 1 items that are missing in the hot store$/)] },
    });
  }, WAIT);
});
