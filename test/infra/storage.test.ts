// Data outlives its stack: ids that must never change, retention, recovery, locks, and what the queues refuse.
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { EVENT_TABLE, LEDGER_TABLE } from "#adapters/aws/keys.ts";
import type { Synthesised } from "#test/infra/synthesised.ts";
import { SYNTHESIS_TIMEOUT_MS, synthesise } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

/** A new id is a new, empty resource. Whoever changes one of these loses the way to the data behind it. */
const STATEFUL_IDS: Readonly<Record<string, string>> = {
  TablesEventsE8DD42EA: "AWS::DynamoDB::GlobalTable",
  TablesLedgerF9806C8B: "AWS::DynamoDB::GlobalTable",
  ArchiveBucket49F1AC64: "AWS::S3::Bucket",
  QueuesLinesQueue2EDA9F4C: "AWS::SQS::Queue",
  QueuesLinesDeadLetters68253117: "AWS::SQS::Queue",
  QueuesIntakeQueueD2C91A39: "AWS::SQS::Queue",
  QueuesIntakeDeadLettersBCEF9BBB: "AWS::SQS::Queue",
  IngestRoleAF8AE6D8: "AWS::IAM::Role",
  SealRoleF3C0EACC: "AWS::IAM::Role",
  LogKey15608DC4: "AWS::KMS::Key",
  FreshnessKey8CBA308F: "AWS::KMS::Key",
};
const FOURTEEN_DAYS_SECONDS = 1_209_600;

let prod: Synthesised;
let dev: Synthesised;

beforeAll(() => {
  prod = synthesise("prod");
  dev = synthesise("dev");
});

describe("the storage stack", () => {
  it.each(["prod", "dev"])("keeps the ids of what holds data, in stage %s", (stageName) => {
    const { storageTemplate } = stageName === "prod" ? prod : dev;
    const resources = storageTemplate.toJSON()["Resources"];

    const found = Object.keys(STATEFUL_IDS).map((id) => [id, resources[id]?.Type]);

    expect(Object.fromEntries(found)).toEqual(STATEFUL_IDS);
  });

  it("retains in prod all that holds data, and lets dev be thrown away", () => {
    const policiesOf = ({ storageTemplate }: Synthesised): unknown[] =>
      Object.entries(storageTemplate.toJSON()["Resources"])
        .filter(([id]) => id in STATEFUL_IDS && !/^(Ingest|Seal)Role/.test(id))
        .map(([, resource]) => JSON.stringify(resource).match(/"DeletionPolicy":"(\w+)"/)?.[1]);

    expect(new Set(policiesOf(prod))).toEqual(new Set(["Retain"]));
    expect(new Set(policiesOf(dev))).toEqual(new Set(["Delete"]));
    expect([prod.storage.terminationProtection, dev.storage.terminationProtection]).toEqual([true, false]);
  });

  it("recovers tables to any second, and refuses to delete them in prod", () => {
    prod.storageTemplate.allResourcesProperties("AWS::DynamoDB::GlobalTable", {
      BillingMode: "PAY_PER_REQUEST",
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      ],
    });
  });

  it("builds the events table from the layout that the adapters use", () => {
    prod.storageTemplate.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      KeySchema: [{ AttributeName: EVENT_TABLE.partitionKey.name, KeyType: "HASH" }],
      TimeToLiveSpecification: { AttributeName: EVENT_TABLE.expiryAttribute, Enabled: true },
      GlobalSecondaryIndexes: EVENT_TABLE.indexes.map(({ name, partitionKey, sortKey, included }) => ({
        IndexName: name,
        KeySchema: [
          { AttributeName: partitionKey.name, KeyType: "HASH" },
          { AttributeName: sortKey.name, KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: [...included] },
      })),
    });
  });

  it("never lets a row of the ledger expire", () => {
    prod.storageTemplate.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      KeySchema: [
        { AttributeName: LEDGER_TABLE.partitionKey.name, KeyType: "HASH" },
        { AttributeName: LEDGER_TABLE.sortKey?.name, KeyType: "RANGE" },
      ],
      TimeToLiveSpecification: Match.absent(),
    });
  });

  it("versions and closes the archive, and lets who writes lock what is for ever", () => {
    prod.storageTemplate.hasResourceProperties("AWS::S3::Bucket", {
      VersioningConfiguration: { Status: "Enabled" },
      ObjectLockEnabled: true,
      ObjectLockConfiguration: Match.absent(),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  it("expires no current object but staging, and that no sooner than in 30 days", () => {
    const expiring = lifecycleRules(prod).filter((rule) =>
      Object.keys(rule).some((key) => key.startsWith("Expiration")),
    );

    expect(expiring).toEqual([
      {
        Status: "Enabled",
        Prefix: "staging/",
        ExpirationInDays: 30,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      },
    ]);
  });

  it("cleans up behind batches and what the log has outgrown, and cools segments alone", () => {
    const rules = lifecycleRules(prod);

    const outgrown = rules.filter((rule) => rule["ExpiredObjectDeleteMarker"] === true);
    expect(outgrown.map((rule) => [rule["Prefix"], rule["NoncurrentVersionExpiration"]])).toEqual([
      ["batches/", { NoncurrentDays: 30 }],
      ["log/", { NoncurrentDays: 30 }],
    ]);
    const cooled = rules.filter((rule) => rule["Transitions"] !== undefined);
    expect(cooled.map((rule) => [rule["Prefix"], rule["Transitions"]])).toEqual([
      [
        "segments/v1/",
        [
          { StorageClass: "STANDARD_IA", TransitionInDays: 30 },
          { StorageClass: "GLACIER_IR", TransitionInDays: 120 },
        ],
      ],
    ]);
  });

  it("tells of new rows of the ledger, by their keys alone", () => {
    prod.storageTemplate.resourcePropertiesCountIs(
      "AWS::DynamoDB::GlobalTable",
      { StreamSpecification: { StreamViewType: "KEYS_ONLY" } },
      1,
    );
  });
});

/** Of the archive. */
function lifecycleRules({ storageTemplate }: Synthesised): readonly Record<string, unknown>[] {
  const [bucket] = Object.values(storageTemplate.findResources("AWS::S3::Bucket"));
  return bucket?.["Properties"].LifecycleConfiguration.Rules;
}

describe("the queues", () => {
  it("keep messages 14 days, and give one up after 100 failures", () => {
    prod.storageTemplate.resourceCountIs("AWS::SQS::Queue", 4);
    prod.storageTemplate.allResourcesProperties("AWS::SQS::Queue", {
      MessageRetentionPeriod: FOURTEEN_DAYS_SECONDS,
      SqsManagedSseEnabled: true,
    });
    prod.storageTemplate.resourcePropertiesCountIs(
      "AWS::SQS::Queue",
      { RedrivePolicy: { maxReceiveCount: 100 } },
      2,
    );
    prod.storageTemplate.resourcePropertiesCountIs(
      "AWS::SQS::Queue",
      { RedriveAllowPolicy: { redrivePermission: "byQueue" } },
      2,
    );
  });

  it("refuse plain HTTP and move tasks, each of them", () => {
    const denies = Match.arrayWith([
      Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
      Match.objectLike({ Effect: "Deny", Action: "sqs:StartMessageMoveTask", Principal: { AWS: "*" } }),
    ]);

    prod.storageTemplate.allResourcesProperties("AWS::SQS::QueuePolicy", {
      PolicyDocument: { Statement: denies },
    });
  });

  it("hide a message for six times as long as the consumer may take", () => {
    const functions = Object.entries(prod.serviceTemplate.findResources("AWS::Lambda::Function"));
    const timeoutSeconds: number = functions.find(([id]) => id.startsWith("Consume"))?.[1]["Properties"]
      .Timeout;

    prod.storageTemplate.resourcePropertiesCountIs(
      "AWS::SQS::Queue",
      { VisibilityTimeout: 6 * timeoutSeconds },
      2,
    );
  });

  it("take stamped lines from the ingest role and operators of the stage, and from nobody else", () => {
    const operator = "arn:aws:iam::123456789012:role/on-call";
    const { storageTemplate } = synthesise("prod", { operatorRoleArns: [operator] });

    storageTemplate.hasResourceProperties("AWS::SQS::QueuePolicy", {
      Queues: [{ Ref: "QueuesLinesQueue2EDA9F4C" }],
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Action: "sqs:SendMessage",
            Principal: { AWS: "*" },
            Condition: {
              ArnNotEquals: {
                "aws:PrincipalArn": [{ "Fn::GetAtt": ["IngestRoleAF8AE6D8", "Arn"] }, operator],
              },
            },
          }),
        ]),
      },
    });
  });
});
