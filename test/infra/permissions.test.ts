// Least privilege: what each function may do is written down here, action by action and resource by resource.
import { beforeAll, describe, expect, it, vi } from "vitest";

import type { Synthesised } from "#test/infra/synthesised.ts";
import { statementsOf, SYNTHESIS_TIMEOUT_MS, synthesise } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

const EVENTS = "TablesEvents";
const LEDGER = "TablesLedger";
const LINES = "QueuesLinesQueue";
const INTAKE = "QueuesIntakeQueue";
const DEAD = ["QueuesLinesDeadLetters", "QueuesIntakeDeadLetters"];
const ARCHIVE = "ArchiveBucket";
const OBJECTS = ["batches/*", "quarantine/*", "deployment.json"].map((name) => `${ARCHIVE}/${name}`);

const LOG_OBJECTS = ["log/*", "segments/v1/*", "manifests/*"].map((name) => `${ARCHIVE}/${name}`);
const READ_LOG = pairs(["s3:GetObject"], LOG_OBJECTS);

const PERSIST_EVENTS = [
  "dynamodb:PartiQLInsert",
  "dynamodb:BatchGetItem",
  "dynamodb:UpdateItem",
  "dynamodb:DescribeTable",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
];
const PERSIST_LEDGER = [
  "dynamodb:GetItem",
  "dynamodb:BatchGetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:DescribeTable",
];
const STORE = [
  ...pairs(PERSIST_EVENTS, [EVENTS]),
  ...pairs(PERSIST_LEDGER, [LEDGER]),
  ...pairs(["s3:PutObject", "s3:GetObject"], OBJECTS),
  ...pairs(["s3:ListBucket"], [ARCHIVE]),
];

const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  Ingest: pairs(["sqs:SendMessage"], [LINES]),
  Query: [
    ...pairs(["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:DescribeTable"], [EVENTS]),
    ...pairs(
      ["dynamodb:Query"],
      ["timeline", "user", "resource"].map((index) => `${EVENTS}/index/${index}`),
    ),
    ...pairs(["dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeTable"], [LEDGER]),
    ...pairs(["sqs:GetQueueAttributes"], [LINES, INTAKE]),
  ],
  Health: [
    ...pairs(["dynamodb:GetItem", "dynamodb:DescribeTable"], [EVENTS, LEDGER]),
    ...pairs(["dynamodb:Query", "dynamodb:BatchGetItem"], [LEDGER]),
    ...pairs(["sqs:GetQueueAttributes"], [LINES, INTAKE, ...DEAD]),
    ...pairs(["s3:ListBucket"], [ARCHIVE]),
  ],
  Consume: [
    ...STORE,
    ...pairs(
      ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
      [LINES, INTAKE],
    ),
  ],
  Maintain: [
    ...STORE,
    ...pairs(["dynamodb:DeleteItem", "dynamodb:ConditionCheckItem", "dynamodb:UpdateItem"], [LEDGER]),
    ...pairs(["sqs:GetQueueAttributes"], [LINES, INTAKE, ...DEAD]),
    ...pairs(["cloudwatch:GetMetricData"], ["*"]),
    ...READ_LOG,
  ],
  Seal: [
    ...pairs(["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"], [EVENTS, LEDGER]),
    ...pairs(
      ["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
      [LEDGER],
    ),
    ...pairs(
      ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
      [`${LEDGER} stream`],
    ),
    ...pairs(
      ["s3:PutObject", "s3:GetObject"],
      [...LOG_OBJECTS, `${ARCHIVE}/staging/*`, `${ARCHIVE}/deployment.json`],
    ),
    ...pairs(["s3:GetObject", "s3:DeleteObject"], [`${ARCHIVE}/batches/*`]),
    ...pairs(
      ["s3:PutObjectRetention"],
      ["log/tile/*", "segments/v1/*", "manifests/*"].map((name) => `${ARCHIVE}/${name}`),
    ),
    ...pairs(["s3:ListBucket"], [ARCHIVE]),
    ...pairs(["kms:Sign", "kms:GetPublicKey"], ["LogKey", "FreshnessKey"]),
  ],
  Prove: [
    ...pairs(["dynamodb:GetItem", "dynamodb:DescribeTable"], [EVENTS, LEDGER]),
    ...READ_LOG,
    ...pairs(["s3:ListBucket"], [ARCHIVE]),
  ],
};

let stacks: Synthesised;

beforeAll(() => {
  stacks = synthesise("prod");
});

describe("the rights of a function", () => {
  it.each(Object.keys(RIGHTS))("%s are what its work takes, and its own log", (id) => {
    const statements = statementsOf(stacks, id);

    expect(statements.map(({ effect }) => effect)).not.toContain("Deny");
    expect(rightsOf(statements)).toEqual(
      [
        ...(RIGHTS[id] ?? []),
        ...pairs(["logs:CreateLogStream", "logs:PutLogEvents"], [`${id}Logs`]),
      ].toSorted(),
    );
  });

  it("come from its own policy alone", () => {
    const policies = Object.keys(stacks.serviceTemplate.findResources("AWS::IAM::Policy"));
    const roles = Object.values({
      ...stacks.serviceTemplate.findResources("AWS::IAM::Role"),
      ...stacks.storageTemplate.findResources("AWS::IAM::Role"),
    });

    expect(policies).toHaveLength(Object.keys(RIGHTS).length);
    expect(Object.keys(stacks.storageTemplate.findResources("AWS::IAM::Policy"))).toEqual([]);
    expect(roles.filter(({ Properties }) => Properties.ManagedPolicyArns ?? Properties.Policies)).toEqual([]);
  });

  it("hold no wildcard among the actions", () => {
    const actions = Object.keys(RIGHTS).flatMap((id) =>
      statementsOf(stacks, id).flatMap((statement) => statement.actions),
    );

    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
  });
});

function rightsOf(statements: ReturnType<typeof statementsOf>): readonly string[] {
  return [...new Set(statements.flatMap(({ actions, resources }) => pairs(actions, resources)))].toSorted();
}

/** Each action on each resource, as one text. */
function pairs(actions: readonly string[], resources: readonly string[]): readonly string[] {
  return actions.flatMap((action) => resources.map((resource) => `${action} on ${resource}`));
}
