// Configuration on AWS: each function reads the members that it needs, and names everything that is wrong at once.
import { describe, expect, it } from "vitest";
import type { AwsConfig } from "#functions/aws-variables.ts";
import { AWS_VARIABLES } from "#functions/aws-variables.ts";
import { readAwsConfig } from "#functions/config.ts";
import { AuditServiceError } from "#lib/errors.ts";

const ROLE = "AROAEXAMPLEEXAMPLE12";
const ENVIRONMENT = {
  AUDIT_TABLE_NAME: "AuditStorage-prod-Events-1X",
  AUDIT_LEDGER_NAME: "AuditStorage-prod-Ledger-1X",
  AUDIT_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/lines",
  AUDIT_QUEUE_ARN: "arn:aws:sqs:eu-west-1:123456789012:lines",
  AUDIT_INTAKE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/intake",
  AUDIT_QUEUE_DLQ_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/dead1",
  AUDIT_INTAKE_DLQ_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/dead2",
  AUDIT_ARCHIVE_BUCKET: "auditstorage-prod-archive",
  AUDIT_HOT_RETENTION_DAYS: "400",
  AUDIT_INTAKE_TENANTS: JSON.stringify({ [ROLE]: "billing" }),
  AUDIT_LOG_ORIGIN: "audit.example/log",
  AUDIT_LOG_KEY_ARN: "arn:aws:kms:eu-west-1:123456789012:key/one",
  AUDIT_FRESHNESS_KEY_ARN: "arn:aws:kms:eu-west-1:123456789012:key/two",
  AUDIT_WITNESSES: '[{"url":"https://w.example/a","vkey":"w+01234567+BAAA"}]',
  AUDIT_ARCHIVE_LOCK: '{"mode":"GOVERNANCE","days":365}',
  AUDIT_SEAL_PACE: "eager",
  AUDIT_WITNESS_TABLE: "AuditWitness-prod-Table-1X",
  AUDIT_WITNESS_KEY_ARN: "arn:aws:kms:eu-west-1:123456789012:key/three",
  AUDIT_WITNESS_NAME: "witness.example",
  AUDIT_WITNESS_LOG_KEYS: '["audit.example/log+01234567+AQAA"]',
  AUDIT_SERVICE_VERSION: "1.2.3",
  AUDIT_SERVICE_NAME: "audit",
  AUDIT_API_LOG_LEVEL: "warn",
  AWS_REGION: "eu-west-1",
  AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9000",
  AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:9001/",
};
const MEMBERS = Object.keys(AWS_VARIABLES) as (keyof AwsConfig)[];

describe("readAwsConfig", () => {
  it("reads every variable", () => {
    expect(readAwsConfig(MEMBERS, ENVIRONMENT)).toEqual({
      tableName: ENVIRONMENT.AUDIT_TABLE_NAME,
      ledgerName: ENVIRONMENT.AUDIT_LEDGER_NAME,
      queueUrl: ENVIRONMENT.AUDIT_QUEUE_URL,
      queueArn: ENVIRONMENT.AUDIT_QUEUE_ARN,
      intakeUrl: ENVIRONMENT.AUDIT_INTAKE_URL,
      queueDlqUrl: ENVIRONMENT.AUDIT_QUEUE_DLQ_URL,
      intakeDlqUrl: ENVIRONMENT.AUDIT_INTAKE_DLQ_URL,
      archiveBucket: ENVIRONMENT.AUDIT_ARCHIVE_BUCKET,
      hotRetentionDays: 400,
      intakeTenants: { [ROLE]: "billing" },
      logOrigin: "audit.example/log",
      logKeyArn: ENVIRONMENT.AUDIT_LOG_KEY_ARN,
      freshnessKeyArn: ENVIRONMENT.AUDIT_FRESHNESS_KEY_ARN,
      witnesses: [{ url: "https://w.example/a", verifierKey: "w+01234567+BAAA" }],
      archiveLock: { mode: "GOVERNANCE", days: 365 },
      sealPace: "eager",
      witnessTable: ENVIRONMENT.AUDIT_WITNESS_TABLE,
      witnessKeyArn: ENVIRONMENT.AUDIT_WITNESS_KEY_ARN,
      witnessName: "witness.example",
      witnessLogKeys: ["audit.example/log+01234567+AQAA"],
      version: "1.2.3",
      region: "eu-west-1",
      archiveEndpoint: "http://127.0.0.1:9000",
      queueEndpoint: "http://127.0.0.1:9001/",
      serviceName: "audit",
      logLevel: "warn",
    });
  });

  it("has defaults for what a function can do without", () => {
    expect(
      readAwsConfig(["hotRetentionDays", "intakeTenants", "version", "archiveEndpoint", "queueEndpoint"], {}),
    ).toEqual({
      hotRetentionDays: 90,
      intakeTenants: {},
      version: "unknown",
      archiveEndpoint: undefined,
      queueEndpoint: undefined,
      serviceName: "audit_service",
      logLevel: "info",
    });
  });

  it("looks at no variable that is not asked for", () => {
    const config = readAwsConfig(["queueUrl"], { ...ENVIRONMENT, AUDIT_TABLE_NAME: "?" });

    expect(Object.keys(config).toSorted()).toEqual(["logLevel", "queueUrl", "serviceName"]);
  });

  it("names everything that is missing or wrong at once, beside the common variables", () => {
    const error = errorOf(() =>
      readAwsConfig(["tableName", "queueUrl", "hotRetentionDays"], {
        AUDIT_QUEUE_URL: "lines",
        AUDIT_HOT_RETENTION_DAYS: "34",
        AUDIT_API_LOG_LEVEL: "loud",
      }),
    );

    expect(error.errors).toEqual([
      { path: "AUDIT_API_LOG_LEVEL", message: 'is "loud"; expected one of debug, info, warn, error' },
      { path: "AUDIT_TABLE_NAME", message: "is not set; expected the name of a DynamoDB table" },
      { path: "AUDIT_QUEUE_URL", message: 'is "lines"; expected the URL of an SQS queue' },
      { path: "AUDIT_HOT_RETENTION_DAYS", message: 'is "34"; expected days from 35 to 3653' },
    ]);
  });

  it.each([
    ["no JSON", "AROA"],
    ["a list", "[]"],
    ["a tenant that is reserved", `{"${ROLE}":"_system"}`],
    ["a role's name in place of its id", '{"billing":"billing"}'],
    ["a tenant that is no text", `{"${ROLE}":1}`],
  ])("refuses tenants that are %s", (_, value) => {
    const error = errorOf(() => readAwsConfig(["intakeTenants"], { AUDIT_INTAKE_TENANTS: value }));

    expect(error.errors.map(({ path }) => path)).toEqual(["AUDIT_INTAKE_TENANTS"]);
  });
});

function errorOf(read: () => unknown): AuditServiceError {
  try {
    read();
  } catch (error) {
    if (error instanceof AuditServiceError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
