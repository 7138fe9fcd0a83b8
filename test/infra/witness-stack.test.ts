// The stack of a witness: deployable by itself, open to requests and to nothing else, with a key that only it may use.
import type { Template } from "aws-cdk-lib/assertions";
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { readLogKeys } from "#infra/aws/witness-app.ts";
import { SYNTHESIS_TIMEOUT_MS, synthesiseWitness } from "#test/infra/synthesised.ts";
import { formatVerifierKey } from "#tlog/note.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

const keyOf = (name: string, algorithm = 1): string =>
  formatVerifierKey({ name, algorithm, publicKey: new Uint8Array(32) });
const LOG_KEYS = [keyOf("log.example/a"), keyOf("log.example/b")];
/** A new id is a new, empty resource: a witness that has forgotten what it cosigned, or another one. */
const STATEFUL_IDS: Readonly<Record<string, string>> = {
  Role1ABCC5F0: "AWS::IAM::Role",
  Checkpoints620E2F20: "AWS::DynamoDB::GlobalTable",
  CosigningKey9B0D18F1: "AWS::KMS::Key",
};

let template: Template;

beforeAll(() => {
  template = synthesiseWitness("prod", LOG_KEYS);
});

describe("the witness stack", () => {
  it("keeps its table and its key, by ids that never change", () => {
    const resources: Record<string, { Type: string }> = template.toJSON()["Resources"];

    const found = Object.keys(STATEFUL_IDS).map((id) => [id, resources[id]?.Type]);

    expect(Object.fromEntries(found)).toEqual(STATEFUL_IDS);
    template.hasResource("AWS::DynamoDB::GlobalTable", { DeletionPolicy: "Retain" });
    template.hasResource("AWS::KMS::Key", { DeletionPolicy: "Retain" });
  });

  it("never sets its table back", () => {
    template.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      KeySchema: [{ AttributeName: "origin", KeyType: "HASH" }],
      Replicas: [Match.objectLike({ PointInTimeRecoverySpecification: Match.absent() })],
    });
  });

  it("reads and writes its table, signs, logs, and may do nothing else", () => {
    const policies = Object.values(template.findResources("AWS::IAM::Policy"));
    const actions = policies.flatMap(({ Properties }) =>
      // cast: as the CDK writes policies
      (Properties.PolicyDocument.Statement as { Action: string | string[] }[]).flatMap(
        ({ Action }) => Action,
      ),
    );

    expect(actions.toSorted()).toEqual([
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "kms:GetPublicKey",
      "kms:Sign",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]);
  });

  it("has a key that signs for its function's role alone", () => {
    template.hasResourceProperties("AWS::KMS::Key", {
      KeySpec: "ECC_NIST_EDWARDS25519",
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Action: "kms:Sign",
            Condition: {
              ArnNotEquals: { "aws:PrincipalArn": { "Fn::GetAtt": ["Role1ABCC5F0", "Arn"] } },
            },
          }),
        ]),
      },
    });
    template.hasResourceProperties("AWS::Lambda::Function", {
      Role: { "Fn::GetAtt": ["Role1ABCC5F0", "Arn"] },
    });
  });

  it("takes requests on the paths of the specification, within a limit", () => {
    const routes = Object.values(template.findResources("AWS::ApiGatewayV2::Route"));

    const keys = routes.map(({ Properties }) => String(Properties.RouteKey));

    expect(keys.toSorted()).toEqual(["GET /vkey", "GET /{origin_hash}/checkpoint", "POST /add-checkpoint"]);
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
    });
  });

  it("is told its name, its key and the logs that it watches", () => {
    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: Match.objectLike({
          AUDIT_WITNESS_LOG_KEYS: JSON.stringify(LOG_KEYS),
          AUDIT_WITNESS_NAME: Match.anyValue(),
          AUDIT_WITNESS_KEY_ARN: Match.anyValue(),
        }),
      },
    });
  });

  it("tells a person of a log that contradicts itself", () => {
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      Namespace: "AuditService",
      MetricName: "Contradictions",
      Dimensions: [{ Name: "Service", Value: "audit-witness-prod" }],
      Threshold: 1,
      TreatMissingData: "notBreaching",
      AlarmDescription: Match.stringLikeRegexp("docs/operations.md#witness$"),
    });
  });

  it("can be thrown away in dev", () => {
    synthesiseWitness("dev", LOG_KEYS).hasResource("AWS::KMS::Key", { DeletionPolicy: "Delete" });
  });
});

describe("the keys of the logs to watch", () => {
  it("are read from the context", () => {
    expect(readLogKeys(LOG_KEYS.join(", "))).toEqual(LOG_KEYS);
  });

  it.each([undefined, "", "no key", keyOf("witness.example/w1", 4)])("are refused as %j", (value) => {
    expect(() => readLogKeys(value)).toThrow(expect.objectContaining({ code: "invalid-configuration" }));
  });
});
