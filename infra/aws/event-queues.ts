/**
 * The two ways of events into the service: `lines`, which takes stamped lines from the ingest function and nobody else, and
 * `intake`, to which other teams' roles may send events of the tenant that is theirs.
 */
import { AnyPrincipal, ArnPrincipal, Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { Grantee } from "#infra/aws/grantee.ts";
import { MessageQueue } from "#infra/aws/message-queue.ts";
import type { MessageQueueProps } from "#infra/aws/message-queue.ts";

export interface EventQueuesProps extends MessageQueueProps {
  /** The role whose lines are trusted. */
  readonly ingestRole: IRole;
  /** Roles that may put stamped lines back on the queue. @default none */
  readonly operatorRoleArns?: readonly string[];
}

export class EventQueues extends Construct {
  readonly lines: MessageQueue;
  readonly intake: MessageQueue;

  constructor(scope: Construct, id: string, props: EventQueuesProps) {
    super(scope, id);
    this.lines = new MessageQueue(this, "Lines", props);
    this.intake = new MessageQueue(this, "Intake", props);
    this.lines.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: "OnlyTrustedSenders",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["sqs:SendMessage"],
        resources: [this.lines.queue.queueArn],
        conditions: {
          ArnNotEquals: {
            "aws:PrincipalArn": [props.ingestRole.roleArn, ...(props.operatorRoleArns ?? [])],
          },
        },
      }),
    );
  }

  /** Sending lines. The queue refuses whoever is not the ingest role, whatever is granted. */
  grantSendLines(to: Grantee): void {
    to.bind({ AUDIT_QUEUE_URL: this.lines.queue.queueUrl });
    to.allow(["sqs:SendMessage"], [this.lines.queue.queueArn]);
  }

  /** Taking messages off both queues, and giving them back for later. */
  grantConsume(to: Grantee): void {
    to.bind({
      AUDIT_QUEUE_URL: this.lines.queue.queueUrl,
      AUDIT_QUEUE_ARN: this.lines.queue.queueArn,
      AUDIT_INTAKE_URL: this.intake.queue.queueUrl,
    });
    to.allow(
      ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
      [this.lines.queue.queueArn, this.intake.queue.queueArn],
    );
  }

  /** Seeing whether everything accepted has been taken. */
  grantAwaitDrained(to: Grantee): void {
    to.bind({
      AUDIT_QUEUE_URL: this.lines.queue.queueUrl,
      AUDIT_INTAKE_URL: this.intake.queue.queueUrl,
    });
    to.allow(["sqs:GetQueueAttributes"], [this.lines.queue.queueArn, this.intake.queue.queueArn]);
  }

  /**
   * Counting messages that wait for too long. CloudWatch alone knows how old messages are, and lets nobody be kept to some
   * of its metrics: rights to read them have no resource.
   */
  grantCountLate(to: Grantee): void {
    this.grantAwaitDrained(to);
    to.allow(["cloudwatch:GetMetricData"], ["*"]);
  }

  /** Counting the dead letters. */
  grantCountDeadLetters(to: Grantee): void {
    to.bind({
      AUDIT_QUEUE_DLQ_URL: this.lines.deadLetters.queueUrl,
      AUDIT_INTAKE_DLQ_URL: this.intake.deadLetters.queueUrl,
    });
    to.allow(["sqs:GetQueueAttributes"], [this.lines.deadLetters.queueArn, this.intake.deadLetters.queueArn]);
  }

  /**
   * Lets roles that this app does not create send to the intake; in another account their own policies must allow it too.
   * Called once, because a policy of SQS may have 20 statements, and name 50 principals.
   */
  admitSenders(roleArns: readonly string[]): void {
    if (roleArns.length === 0) return;
    this.intake.queue.addToResourcePolicy(
      new PolicyStatement({
        principals: roleArns.map((roleArn) => new ArnPrincipal(roleArn)),
        actions: ["sqs:SendMessage"],
        resources: [this.intake.queue.queueArn],
      }),
    );
  }
}
