/**
 * What must outlive every deployment: tables, archive, queues, the keys of the log, and the roles that queue and keys
 * trust. Ids of constructs in it are never changed: CloudFormation would create new, empty ones.
 */
import type { StackProps } from "aws-cdk-lib";
import { Stack } from "aws-cdk-lib";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { ArchiveBucket } from "#infra/aws/archive-bucket.ts";
import { EventQueues } from "#infra/aws/event-queues.ts";
import { EventTables } from "#infra/aws/event-tables.ts";
import { LogKey } from "#infra/aws/log-keys.ts";
import { CONSUME_TIMEOUT_SECONDS } from "#infra/aws/function-settings.ts";
import { createLambdaRole } from "#infra/aws/service-function.ts";
import type { Stage } from "#infra/aws/stages.ts";

export interface StorageStackProps extends StackProps {
  readonly stage: Stage;
}

/** What AWS recommends for a function that is fed by a queue, so that its retries fit in. */
const VISIBILITY_TIMEOUTS = 6;

export class StorageStack extends Stack {
  readonly tables: EventTables;
  readonly archive: ArchiveBucket;
  readonly queues: EventQueues;
  readonly ingestRole: Role;
  /** The role that alone may sign for the log. */
  readonly sealRole: Role;
  readonly keys: { readonly log: LogKey; readonly freshness: LogKey };

  constructor(scope: Construct, id: string, { stage, ...props }: StorageStackProps) {
    super(scope, id, { ...props, terminationProtection: stage.isProtected });
    const { isProtected } = stage;
    this.tables = new EventTables(this, "Tables", {
      isProtected,
      maxUnitsPerSecond: stage.maxUnitsPerSecond,
    });
    this.archive = new ArchiveBucket(this, "Archive", { isProtected, lock: stage.archiveLock });
    this.sealRole = createLambdaRole(this, "SealRole");
    const createKey = (keyId: string, name: string, description: string): LogKey =>
      new LogKey(this, keyId, {
        isProtected,
        alias: `audit-${stage.name}-${name}`,
        description,
        signer: this.sealRole,
      });
    this.keys = {
      log: createKey("LogKey", "log", "Signs checkpoints of the audit log"),
      freshness: createKey("FreshnessKey", "freshness", "Cosigns with the time that checkpoints are current"),
    };
    this.ingestRole = createLambdaRole(this, "IngestRole");
    this.queues = new EventQueues(this, "Queues", {
      isProtected,
      visibilitySeconds: VISIBILITY_TIMEOUTS * CONSUME_TIMEOUT_SECONDS,
      ingestRole: this.ingestRole,
      operatorRoleArns: stage.operatorRoleArns,
    });
  }
}
