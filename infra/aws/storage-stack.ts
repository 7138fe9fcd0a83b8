/**
 * What must outlive every deployment: tables, archive, queues, and the role that the queue of lines trusts. Ids of
 * constructs in it are never changed: CloudFormation would create new, empty ones.
 */
import type { StackProps } from "aws-cdk-lib";
import { Stack } from "aws-cdk-lib";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { ArchiveBucket } from "#infra/aws/archive-bucket.ts";
import { EventQueues } from "#infra/aws/event-queues.ts";
import { EventTables } from "#infra/aws/event-tables.ts";
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

  constructor(scope: Construct, id: string, { stage, ...props }: StorageStackProps) {
    super(scope, id, { ...props, terminationProtection: stage.isProtected });
    const { isProtected } = stage;
    this.tables = new EventTables(this, "Tables", {
      isProtected,
      maxUnitsPerSecond: stage.maxUnitsPerSecond,
    });
    this.archive = new ArchiveBucket(this, "Archive", { isProtected, lock: stage.archiveLock });
    this.ingestRole = createLambdaRole(this, "IngestRole");
    this.queues = new EventQueues(this, "Queues", {
      isProtected,
      visibilitySeconds: VISIBILITY_TIMEOUTS * CONSUME_TIMEOUT_SECONDS,
      ingestRole: this.ingestRole,
      operatorRoleArns: stage.operatorRoleArns,
    });
  }
}
