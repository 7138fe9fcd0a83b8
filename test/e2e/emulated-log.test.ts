// The log of the emulated deployment: sealed by the ledger's stream, by several sealers at once, and by one that takes up
// what another left behind. What is published is checked here from the lines up, with the log's key alone.
import { hash } from "node:crypto";
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { expect, inject, it, onTestFinished } from "vitest";

import { clientOptions } from "#infra/emulated/config.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import { fromBase64 } from "#tlog/base64.ts";
import { toHex } from "#tlog/bytes.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote, parseVerifierKey, verifyNote } from "#tlog/note.ts";
import { inclusionProblem } from "#tlog/proof.ts";
import { CompactRange } from "#tlog/tree.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";
import type { TestStack } from "#test/support/emulated.ts";
import { ownStack } from "#test/support/emulated.ts";
import { ask, LOGIN, post } from "#test/support/http-service.ts";
import { startS3Gate } from "#test/support/s3-gate.ts";

const HASHER = createTreeHasher((bytes) => hash("sha256", bytes, "buffer"));
const SCHEDULED = { source: "aws.events" };

interface Verified {
  readonly size: number;
  /** In the order of the log. */
  readonly ids: readonly string[];
}

async function log(stack: TestStack, from: number, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, index) => `event-${from + index}`);
  const events = ids.map((event_id) => ({ ...LOGIN, event_id }));
  expect((await post(stack, "/events/batch", { events })).status).toBe(202);
  return ids;
}

/** Checks the published log from its lines up: signature, root, and the proof of each event. */
async function verified(stack: TestStack): Promise<Verified> {
  const note = parseNote((await ask(stack, "/log/checkpoint")).text);
  const key = parseVerifierKey((await ask(stack, "/log/vkey")).text.trim());
  expect(verifyNote(note, [key], verifyEd25519).verified).toHaveLength(1);
  const { size, root } = parseCheckpoint(note.body);
  const { json: feed } = await ask(stack, "/events/feed?limit=1000");
  const ids: readonly string[] = feed.events.map((event: { event_id: string }) => event.event_id);
  const range = new CompactRange(HASHER);
  for (const [index, id] of ids.entries()) {
    const { text: line } = await ask(stack, `/events/${id}/line`);
    const leafHash = HASHER.leaf(hash("sha256", line, "buffer"));
    range.append(leafHash);
    const { json } = await ask(stack, `/events/${id}/proof`, { headers: { accept: "application/json" } });
    const proof = json.hashes.map(fromBase64);
    expect([json.leaf_index, json.log_size]).toEqual([index, Number(size)]);
    expect(inclusionProblem({ index: BigInt(index), size, leafHash, proof, root }, HASHER)).toBeUndefined();
  }
  expect([range.size, toHex(range.root())]).toEqual([size, toHex(root)]);
  return { size: Number(size), ids };
}

function sealOf({ functions }: TestStack): LambdaFunction {
  const found = functions.find(({ name }) => name.includes("Seal"));
  if (found === undefined) throw new Error("the stack has no function that seals");
  return found;
}

function dynamoOf(stack: TestStack): DynamoDBClient {
  const client = new DynamoDBClient(clientOptions(stack.endpoints.dynamodb));
  onTestFinished(() => client.destroy());
  return client;
}

async function pendingOf(stack: TestStack): Promise<number> {
  const { Count = 0 } = await dynamoOf(stack).send(
    new QueryCommand({
      TableName: stack.names["LedgerName"],
      KeyConditionExpression: "pk = :p",
      ExpressionAttributeValues: { ":p": { S: "pending" } },
      ConsistentRead: true,
    }),
  );
  return Count;
}

/** What the runs of sealers have counted. */
function countedIn({ written }: TestStack, metric: string): number {
  const lines = written.flatMap((text) => text.split("\n")).filter((line) => line.includes('"LogSize"'));
  return lines.reduce((sum, line) => sum + Number(JSON.parse(line)[metric] ?? 0), 0);
}

it("seals what is stored when the stream tells of it, again and again, and every event can be proven", async () => {
  const stack = await ownStack();
  const first = await log(stack, 0, 12);
  const early = await verified(stack);

  const second = await log(stack, 12, 5);

  const late = await verified(stack);
  expect([early.size, late.size]).toEqual([12, 17]);
  expect(late.ids.slice(0, 12)).toEqual(early.ids);
  expect(late.ids.toSorted()).toEqual([...first, ...second].toSorted());
  expect(await pendingOf(stack)).toBe(0);
  expect(countedIn(stack, "LeavesSealed")).toBe(17);
  expect(countedIn(stack, "SealProblems")).toBe(0);
});

it("gives an event that comes again no second leaf, and takes its batch from the list all the same", async () => {
  const stack = await ownStack();
  const event = { ...LOGIN, event_id: "same" };
  await post(stack, "/events", event);
  const before = await verified(stack);

  await post(stack, "/events", event);
  await sealOf(stack).invoke(SCHEDULED);

  expect(await verified(stack)).toEqual(before);
  expect(before).toEqual({ size: 1, ids: ["same"] });
  expect(await pendingOf(stack)).toBe(0);
});

it("seals each line once where several sealers run at once", async () => {
  const stack = await ownStack({ followsStreams: false });
  const seal = sealOf(stack);
  const ids: string[] = [];

  for (let round = 0; round < 3; round++) {
    ids.push(...(await log(stack, round * 10, 10)));
    await Promise.allSettled([SCHEDULED, SCHEDULED, SCHEDULED].map((event) => seal.invoke(event)));
  }
  await seal.invoke(SCHEDULED);

  const { size, ids: sealed } = await verified(stack);
  expect(size).toBe(30);
  expect(sealed.toSorted()).toEqual(ids.toSorted());
  expect(await pendingOf(stack)).toBe(0);
});

it("publishes what a sealer has committed to that was killed before it could", async () => {
  const gate = await startS3Gate(inject("emulation")?.endpoints.s3 ?? "");
  onTestFinished(() => gate.close());
  const stack = await ownStack({ followsStreams: false, environment: { AWS_ENDPOINT_URL_S3: gate.url } });
  const seal = sealOf(stack);
  const ids = await log(stack, 0, 8);
  await seal.invoke(SCHEDULED);
  const more = await log(stack, 8, 4);
  const { reached } = gate.hold(/^PUT \S*\/segments\//);

  const killed = seal.invoke(SCHEDULED).catch(String);
  await reached;
  const between = parseCheckpoint(parseNote((await ask(stack, "/log/checkpoint")).text).body).size;
  const { Item: head } = await dynamoOf(stack).send(
    new GetItemCommand({
      TableName: stack.names["LedgerName"],
      Key: { pk: { S: "log" }, sk: { S: "head" } },
      ConsistentRead: true,
    }),
  );
  await seal.killBusy();

  expect(await killed).toContain("its instance has ended");
  expect(between).toBe(8n);
  expect(parseCheckpoint(parseNote(head?.["checkpoint"]?.S ?? "").body).size).toBe(12n);
  const early = await ask(stack, `/events/${more[0]}/proof`);
  expect([early.status, early.json.code]).toEqual([404, "not-yet-sealed"]);
  await seal.invoke(SCHEDULED);
  const { size, ids: sealed } = await verified(stack);
  expect(size).toBe(12);
  expect(sealed.toSorted()).toEqual([...ids, ...more].toSorted());
  expect(countedIn(stack, "replays")).toBe(1);
});

it("stops where a table was put in the place of the one that was sealed from", async () => {
  const stack = await ownStack({ followsStreams: false });
  await log(stack, 0, 1);
  const seal = sealOf(stack);
  await seal.invoke(SCHEDULED);
  const client = dynamoOf(stack);
  const TableName = stack.names["LedgerName"];
  await client.send(new DeleteItemCommand({ TableName, Key: { pk: { S: "mark" }, sk: { S: "mark" } } }));
  await seal.stop(); // a warm one looks once a minute

  await expect(seal.invoke(SCHEDULED)).rejects.toThrow(/rebuild/);
});
