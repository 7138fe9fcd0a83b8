/**
 * The stages that can be deployed, as one typed table: everything in which deployments differ stands here, and nothing
 * else decides by the name of a stage. `cdk … --context stage=<name>` chooses one.
 */
import { AuditServiceError } from "#lib/errors.ts";

/** Another team's principal that may send to the intake queue, and the tenant its events belong to. */
export interface IntakeSenderStage {
  /** ARN of its IAM role, in this or another account. */
  readonly roleArn: string;
  /** Unique id of the role, as `aws iam get-role --query Role.RoleId` gives it: `AROA…`. */
  readonly roleId: string;
  readonly tenant: string;
}

/** How long nobody may delete an object version. */
export interface ArchiveLock {
  /** GOVERNANCE: whoever has `s3:BypassGovernanceRetention` may. COMPLIANCE: nobody, the account's root neither. */
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly retentionDays: number;
}

/** A witness that is asked to cosign every checkpoint. */
export interface WitnessStage {
  /** Address below which it takes `add-checkpoint`. */
  readonly url: string;
  /** Its verifier key, as `<url>/vkey` tells it. */
  readonly vkey: string;
}

export interface Stage {
  /** Part of the stack names: `AuditStorage-<name>`, `AuditService-<name>`. */
  readonly name: string;
  /** Name of the instance: dimension of its metrics, and service of the events it logs itself. */
  readonly serviceName: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** Days that an event stays in DynamoDB, and a second send of it is recognised. At least 35. */
  readonly hotRetentionDays: number;
  /** Whether data outlives its stack and tables refuse to be deleted. */
  readonly isProtected: boolean;
  readonly archiveLock: ArchiveLock | undefined;
  /** Ceiling of what the events table may cost: units per second, for the table and each index. undefined: none. */
  readonly maxUnitsPerSecond: { readonly write: number; readonly read: number } | undefined;
  /** iam: requests must be signed (SigV4) by a principal with `execute-api:Invoke`. open: whoever knows the URL may do all. */
  readonly access: "iam" | "open";
  /** Requests per second and in one burst, beyond which API Gateway answers 429. */
  readonly requestLimit: { readonly perSecond: number; readonly burst: number };
  readonly consumer: {
    /** How long messages are gathered into one batch: longer costs less, shorter is seen sooner. 1 to 300. */
    readonly windowSeconds: number;
    /** Messages of one batch at most. Lambda's own limit of 6 MB ends a batch before. */
    readonly maxMessages: number;
    /** Functions at once for each queue, at least 2. */
    readonly maxConcurrency: number;
  };
  readonly log: {
    /** Name of the transparency log, for ever: another origin is another log. undefined: made of account, region and stage. */
    readonly origin: string | undefined;
    readonly witnesses: readonly WitnessStage[];
  };
  readonly intakeSenders: readonly IntakeSenderStage[];
  /** ARNs of IAM roles that may put stamped lines back on the queue, beside the ingest function. */
  readonly operatorRoleArns: readonly string[];
  /** Where alarms are sent. undefined: they only show. */
  readonly alarmEmail: string | undefined;
  /** Days that CloudWatch keeps the functions' logs: one of the numbers that CloudWatch Logs takes. */
  readonly logRetentionDays: 7 | 30 | 90 | 365;
}

const DEV: Stage = {
  name: "dev",
  serviceName: "audit_dev",
  logLevel: "info",
  hotRetentionDays: 35,
  isProtected: false,
  archiveLock: undefined,
  maxUnitsPerSecond: { write: 1000, read: 1000 },
  access: "iam",
  requestLimit: { perSecond: 100, burst: 200 },
  consumer: { windowSeconds: 1, maxMessages: 1000, maxConcurrency: 2 },
  log: { origin: undefined, witnesses: [] },
  intakeSenders: [],
  operatorRoleArns: [],
  alarmEmail: undefined,
  logRetentionDays: 7,
};

const PROD: Stage = {
  ...DEV,
  name: "prod",
  serviceName: "audit",
  hotRetentionDays: 90,
  isProtected: true,
  archiveLock: { mode: "GOVERNANCE", retentionDays: 365 },
  maxUnitsPerSecond: undefined,
  requestLimit: { perSecond: 2000, burst: 4000 },
  consumer: { windowSeconds: 5, maxMessages: 10_000, maxConcurrency: 10 },
  logRetentionDays: 90,
};

export const STAGES: readonly Stage[] = [DEV, PROD];

/** What `cdk` does where no stage is named: the one that can be thrown away. */
export const DEFAULT_STAGE_NAME = DEV.name;

/** @throws AuditServiceError `invalid-configuration` */
export function findStage(name: unknown): Stage {
  const stage = STAGES.find((candidate) => candidate.name === name);
  if (stage !== undefined) return stage;
  const known = STAGES.map((candidate) => candidate.name).join(", ");
  throw new AuditServiceError(
    "invalid-configuration",
    `there is no stage ${String(name)}; there are ${known}`,
  );
}
