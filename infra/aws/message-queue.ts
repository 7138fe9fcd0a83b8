/**
 * A standard queue with the queue of its dead letters. Messages stay 14 days from when they were sent, in both together:
 * a standard queue hands the time on. They travel by TLS only, and nobody moves dead letters back by the console or
 * StartMessageMoveTask: that changes message ids, which some events are known by.
 */
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AnyPrincipal, Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Queue, QueueEncryption, RedrivePermission } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface MessageQueueProps {
  /** Whether the queues outlive their stack. */
  readonly isProtected: boolean;
  /** Seconds that a message is hidden from others while a function has it: six times the function's timeout. */
  readonly visibilitySeconds: number;
}

/** The longest that SQS keeps a message. */
const RETENTION_DAYS = 14;
/** With back-off to 15 minutes about a day of trying: a failure that lasts is an outage, and no fault of the message. */
const MAX_RECEIVES = 100;

export class MessageQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { isProtected, visibilitySeconds }: MessageQueueProps) {
    super(scope, id);
    // Named, because the queue of the dead letters names the only queue it serves, which in turn refers to it.
    const queueName = `${Stack.of(this).stackName}-${id}`;
    const arn = Stack.of(this).formatArn({ service: "sqs", resource: queueName });
    const common = {
      retentionPeriod: Duration.days(RETENTION_DAYS),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    };
    this.deadLetters = new Queue(this, "DeadLetters", {
      ...common,
      redriveAllowPolicy: {
        redrivePermission: RedrivePermission.BY_QUEUE,
        sourceQueues: [Queue.fromQueueArn(this, "Source", arn)],
      },
    });
    this.queue = new Queue(this, "Queue", {
      ...common,
      queueName,
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES },
    });
    for (const queue of [this.queue, this.deadLetters]) {
      queue.addToResourcePolicy(
        new PolicyStatement({
          sid: "DenyMoveTasks",
          effect: Effect.DENY,
          principals: [new AnyPrincipal()],
          actions: ["sqs:StartMessageMoveTask"],
          resources: [queue.queueArn],
        }),
      );
    }
  }
}
