/**
 * What pages of DynamoDB cost at 10,000 and at 200,000 events of one tenant, on DynamoDB Local: read units, round trips,
 * index entries. `node test/bench/dynamo-pages.ts [events …]` prints a table; loading takes minutes.
 */
import { planFor } from "#test/contract/sample-lines.ts";
import type { DynamoDbLocal } from "#test/support/dynamodb-local.ts";
import { startDynamoDbLocal } from "#test/support/dynamodb-local.ts";
import { mixedLines, openDynamoStore } from "#test/support/dynamodb-store.ts";

const SIZES = [10_000, 200_000];
const CHUNK = 2_000;
const TENANT = "bench";

const QUERIES = [
  { title: "latest", query: {} },
  { title: "of a user", query: { user_ids: ["user-7"] } },
  { title: "of a resource", query: { resource_ids: ["/r/3"] } },
  { title: "of a service", query: { service_names: ["service-3"] } },
  { title: "errors", query: { levels: ["ERROR"] } },
  { title: "latest 1,000", query: { limit: 1000 } },
  { title: "of a user, offset 400", query: { user_ids: ["user-7"], offset: 400 } },
  { title: "by request id", query: { request_ids: ["request-17"] } },
] as const;

async function measure(dynamo: DynamoDbLocal, size: number): Promise<void> {
  const { store, put } = await openDynamoStore(dynamo);
  const began = Date.now();
  for (let from = 0; from < size; from += CHUNK) {
    await put(mixedLines(TENANT, Math.min(CHUNK, size - from), from));
  }
  const seconds = (Date.now() - began) / 1000;
  console.info(`\n${size} events, inserted at ${Math.round(size / seconds)} a second`);
  console.info("| page | lines | units | round trips | entries |\n| --- | --- | --- | --- | --- |");
  for (const { title, query } of QUERIES) {
    const { lines, cost } = await store.page(planFor(TENANT, query));
    const cells = [title, lines.length, cost.units, cost.roundTrips, cost.entries];
    console.info(`| ${cells.join(" | ")} |`);
  }
}

const sizes = process.argv.slice(2).map(Number);
const dynamo = await startDynamoDbLocal();
try {
  for (const size of sizes.length > 0 ? sizes : SIZES) await measure(dynamo, size);
} finally {
  await dynamo.stop();
}
