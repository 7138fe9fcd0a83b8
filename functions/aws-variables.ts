/**
 * The variables that the AWS stack sets for its functions. Most have no default: a function that lacks one was deployed
 * by something else than the stack, and refuses to start. `functions/config.ts` reads them.
 */
import * as z from "zod";
import { TenantId } from "#event/audit-event.ts";
import type { WitnessAddress } from "#functions/log-variables.ts";
import { EXPECTED_ORIGIN, EXPECTED_WITNESSES, LogOrigin, Witnesses } from "#functions/log-variables.ts";

/** What functions on AWS are told; each reads only the members that it needs. */
export interface AwsConfig {
  readonly tableName: string;
  readonly ledgerName: string;
  /** Of the queue of stamped lines. */
  readonly queueUrl: string;
  readonly queueArn: string;
  /** Of the queue to which others send events. */
  readonly intakeUrl: string;
  readonly queueDlqUrl: string;
  readonly intakeDlqUrl: string;
  readonly archiveBucket: string;
  /** Days that events stay in the hot store. */
  readonly hotRetentionDays: number;
  /** Unique id of an IAM role (`AROA…`) → tenant that its events belong to. */
  readonly intakeTenants: Readonly<Record<string, string>>;
  /** Name of the log. */
  readonly logOrigin: string;
  readonly logKeyArn: string;
  readonly freshnessKeyArn: string;
  readonly witnesses: readonly WitnessAddress[];
  /** How long nobody may remove what is published; undefined: nothing is locked. */
  readonly archiveLock: ArchiveLock | undefined;
  /** `adaptive`: wake-ups seal when it is worth it. `eager`: each seals. */
  readonly sealPace: SealPace;
  /** Table of the checkpoints that a witness has cosigned. */
  readonly witnessTable: string;
  readonly witnessKeyArn: string;
  /** Name in its cosignatures. */
  readonly witnessName: string;
  /** Verifier keys of the logs that a witness watches. */
  readonly witnessLogKeys: readonly string[];
  /** Version of the software that is deployed. */
  readonly version: string;
  readonly region: string;
  /** Where S3 is, when it is not AWS's own. */
  readonly archiveEndpoint: string | undefined;
  /** Where SQS is, when it is not AWS's own. */
  readonly queueEndpoint: string | undefined;
  /** Where CloudWatch is, when it is not AWS's own. */
  readonly metricsEndpoint: string | undefined;
}

export type ArchiveLock = z.output<typeof LOCK>;
export type SealPace = (typeof SEAL_PACES)[number];

/** One variable of `AwsConfig`. */
export interface AwsVariable<Value> {
  readonly name: string;
  readonly schema: z.ZodType<Value, string>;
  /** Completes "expected …". */
  readonly expected: string;
  /** Absent: the variable must be set. */
  readonly fallback?: { readonly value: Value };
}

type AwsVariables = { readonly [Member in keyof AwsConfig]: AwsVariable<AwsConfig[Member]> };

/** An id may come again within two weeks in a queue, two more among dead letters, and a week of mending. */
const MIN_HOT_RETENTION_DAYS = 35;
const DEFAULT_HOT_RETENTION_DAYS = 90;
/** Ten years. */
const MAX_HOT_RETENTION_DAYS = 3653;

const LOCK = z.strictObject({ mode: z.enum(["GOVERNANCE", "COMPLIANCE"]), days: z.int().min(1).max(36_500) });
const SEAL_PACES = ["adaptive", "eager"] as const;

const address = z.string().regex(/^https?:\/\/[^/\s]+(\/\S*)?$/);

const queue = (name: string): AwsVariable<string> => ({
  name,
  schema: address,
  expected: "the URL of an SQS queue",
});

const endpoint = (name: string): AwsVariable<string | undefined> => ({
  name,
  schema: address,
  expected: "an http or https address",
  fallback: { value: undefined },
});

const table = (name: string): AwsVariable<string> => ({
  name,
  schema: z.string().regex(/^[A-Za-z0-9_.-]{3,255}$/),
  expected: "the name of a DynamoDB table",
});

const key = (name: string): AwsVariable<string> => ({
  name,
  schema: z.string().regex(/^arn:[^:\s]+:kms:[^:\s]*:[^:\s]*:key\/[^:\s]+$/),
  expected: "the ARN of a KMS key",
});

export const AWS_VARIABLES: AwsVariables = {
  tableName: table("AUDIT_TABLE_NAME"),
  ledgerName: table("AUDIT_LEDGER_NAME"),
  queueUrl: queue("AUDIT_QUEUE_URL"),
  queueArn: {
    name: "AUDIT_QUEUE_ARN",
    schema: z.string().regex(/^arn:[^:\s]+:sqs:[^:\s]*:[^:\s]*:[^:\s]+$/),
    expected: "the ARN of an SQS queue",
  },
  intakeUrl: queue("AUDIT_INTAKE_URL"),
  queueDlqUrl: queue("AUDIT_QUEUE_DLQ_URL"),
  intakeDlqUrl: queue("AUDIT_INTAKE_DLQ_URL"),
  archiveBucket: {
    name: "AUDIT_ARCHIVE_BUCKET",
    schema: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    expected: "the name of an S3 bucket",
  },
  hotRetentionDays: {
    name: "AUDIT_HOT_RETENTION_DAYS",
    schema: z
      .string()
      .regex(/^\d{1,4}$/)
      .transform(Number)
      .refine((days) => days >= MIN_HOT_RETENTION_DAYS && days <= MAX_HOT_RETENTION_DAYS),
    expected: `days from ${MIN_HOT_RETENTION_DAYS} to ${MAX_HOT_RETENTION_DAYS}`,
    fallback: { value: DEFAULT_HOT_RETENTION_DAYS },
  },
  intakeTenants: {
    name: "AUDIT_INTAKE_TENANTS",
    schema: z
      .string()
      .transform(jsonOrNull)
      .pipe(z.record(z.string().regex(/^[A-Z0-9]{16,128}$/), TenantId)),
    expected: "a JSON object of tenants by the ids of roles (AROA…)",
    fallback: { value: {} },
  },
  logOrigin: { name: "AUDIT_LOG_ORIGIN", schema: LogOrigin, expected: EXPECTED_ORIGIN },
  logKeyArn: key("AUDIT_LOG_KEY_ARN"),
  freshnessKeyArn: key("AUDIT_FRESHNESS_KEY_ARN"),
  witnesses: {
    name: "AUDIT_WITNESSES",
    schema: Witnesses,
    expected: EXPECTED_WITNESSES,
    fallback: { value: [] },
  },
  archiveLock: {
    name: "AUDIT_ARCHIVE_LOCK",
    schema: z.string().transform(jsonOrNull).pipe(LOCK),
    expected: 'a lock such as {"mode":"GOVERNANCE","days":365}',
    fallback: { value: undefined },
  },
  sealPace: {
    name: "AUDIT_SEAL_PACE",
    schema: z.enum(SEAL_PACES),
    expected: `one of ${SEAL_PACES.join(", ")}`,
    fallback: { value: "adaptive" },
  },
  witnessTable: table("AUDIT_WITNESS_TABLE"),
  witnessKeyArn: key("AUDIT_WITNESS_KEY_ARN"),
  witnessName: {
    name: "AUDIT_WITNESS_NAME",
    schema: z.string().regex(/^[^\s+]{1,256}$/),
    expected: "a name without spaces and pluses, of at most 256 characters",
  },
  witnessLogKeys: {
    name: "AUDIT_WITNESS_LOG_KEYS",
    schema: z
      .string()
      .transform(jsonOrNull)
      .pipe(z.array(z.string().regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/)).min(1)),
    expected: "a JSON array of the verifier keys of logs",
  },
  version: {
    name: "AUDIT_SERVICE_VERSION",
    schema: z.string().max(64),
    expected: "a version of at most 64 characters",
    fallback: { value: "unknown" },
  },
  region: {
    name: "AWS_REGION",
    schema: z.string().regex(/^[a-z0-9-]{4,32}$/),
    expected: "an AWS region, which Lambda sets",
  },
  archiveEndpoint: endpoint("AWS_ENDPOINT_URL_S3"),
  queueEndpoint: endpoint("AWS_ENDPOINT_URL_SQS"),
  metricsEndpoint: endpoint("AWS_ENDPOINT_URL_CLOUDWATCH"),
};

/** What is no JSON is refused by the schema behind. */
function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
