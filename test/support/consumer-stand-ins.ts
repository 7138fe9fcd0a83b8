// The consume function and the janitor as they are on AWS, over DynamoDB, S3 and SQS on stand-ins: each process with
// clients of its own, so that one can be cut off between any two of its calls, and a clock that a test moves.
import { randomFillSync } from "node:crypto";
import { ChangeMessageVisibilityBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";

import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import { createRetryLater } from "#adapters/aws/aws-parts-queues.ts";
import type { Consume } from "#functions/consume/app.ts";
import { createConsume } from "#functions/consume/app.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import type { JanitorReport } from "#service/janitor.ts";
import { createJanitor } from "#service/janitor.ts";
import { createPersist } from "#service/persist.ts";
import type { EventStore } from "#service/ports.ts";
import { createQuarantine } from "#service/quarantine.ts";
import { BATCH_TIME_MS } from "#test/contract/sample-batches.ts";
import type { AwsNames, AwsStore } from "#test/support/aws-ports.ts";
import { createAwsStore, openAwsStore } from "#test/support/aws-ports.ts";
import type { CutProcess } from "#test/support/cut-process.ts";
import type { DynamoDbLocal } from "#test/support/dynamodb-local.ts";
import { hasIndexKeys, refusing } from "#test/support/dynamodb-faults.ts";
import type { SqsStandIn, StandInQueue } from "#test/support/fauxqs.ts";
import { findProblems } from "#test/support/persistence-checks.ts";
import type { SimulatedPorts } from "#test/support/persistence-simulation.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { receiveEvent, settle } from "#test/support/sqs-events.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

export interface StandIns {
  readonly dynamo: DynamoDbLocal;
  readonly s3: S3StandIn;
  readonly sqs: SqsStandIn;
}

/** Entries of one call to SQS. */
const MAX_ENTRIES = 10;
const MAX_ROUNDS = 12;

/** What there is of a deployment. */
export interface StandInDeployment {
  readonly names: AwsNames;
  readonly queue: StandInQueue;
}

/** A release on a deployment. */
export class ConsumerStandIns {
  readonly deployment: StandInDeployment;
  readonly ports: SimulatedPorts;
  readonly conflictKey: Uint8Array = new Uint8Array(32).fill(7);
  /** What processes said at level error, which a human would have to look at. */
  readonly errors: string[] = [];
  private readonly standIns: StandIns;
  private readonly store: AwsStore;
  private readonly queue: StandInQueue;
  private passedMs = 0;

  constructor(standIns: StandIns, deployment: StandInDeployment) {
    const { dynamo, s3 } = standIns;
    this.deployment = deployment;
    this.standIns = standIns;
    this.queue = deployment.queue;
    this.store = openAwsStore(dynamo, deployment.names);
    this.ports = { ...this.store.portsFor(dynamo.client, s3.client), ...this.store };
  }

  /** @param name that no other deployment on these stand-ins has */
  static async found(standIns: StandIns, name: string): Promise<ConsumerStandIns> {
    const names = await createAwsStore(standIns.dynamo, standIns.s3, name);
    const queue = await standIns.sqs.createQueue(name, { VisibilityTimeout: "3600" });
    return new ConsumerStandIns(standIns, { names, queue });
  }

  get eventStore(): EventStore {
    const { client } = this.standIns.dynamo;
    const directory = { epochs: async () => [FIRST_EPOCH] };
    const tableName = this.deployment.names.eventTable;
    return createDynamoEventStore({ client, tableName, directory, isDrained: async () => true });
  }

  /** What is not as promised, when nothing is under way. */
  problems(wanted: readonly PreparedLine[]): Promise<readonly string[]> {
    return findProblems(this.ports, wanted, this.conflictKey);
  }

  pass(ms: number): void {
    this.passedMs += ms;
  }

  async send(body: string): Promise<void> {
    await this.standIns.sqs.client.send(
      new SendMessageCommand({ QueueUrl: this.queue.url, MessageBody: body }),
    );
  }

  /** Messages that nobody has; this consumer has them then. */
  receive(maxMessages?: number): Promise<SQSEvent> {
    return receiveEvent(this.standIns.sqs.client, this.queue, maxMessages);
  }

  /** Delivers, and deletes what did not fail, as the event source does. */
  async settle(event: SQSEvent, consume: Consume): Promise<SQSBatchResponse> {
    const response = await consume(event);
    await settle(this.standIns.sqs.client, this.queue, { event, response });
    return response;
  }

  /** @throws Error where a message failed */
  async deliver(event: SQSEvent, consume: Consume): Promise<void> {
    const { batchItemFailures: failures } = await this.settle(event, consume);
    if (failures.length > 0) throw new Error(`${failures.length} messages failed: ${this.errors.join()}`);
  }

  /** As when the visibility timeout of these messages has ended. */
  async release({ Records: records }: SQSEvent): Promise<void> {
    for (let from = 0; from < records.length; from += MAX_ENTRIES) {
      const entries = records.slice(from, from + MAX_ENTRIES).map(({ receiptHandle }, at) => ({
        Id: String(at),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }));
      await this.standIns.sqs.client.send(
        new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.queue.url, Entries: entries }),
      );
    }
  }

  /** Delivers, a few messages at a time, until the queue shows none. */
  async drain(consume: Consume, maxMessages: number): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const event = await this.receive(maxMessages);
      if (event.Records.length === 0) return;
      await this.deliver(event, consume);
    }
    throw new Error(`the queue still shows messages after ${MAX_ROUNDS} rounds`);
  }

  /** The handler of one process. Inserts with index keys are throttled where the event's id is `throttledId`. */
  consumer(process: CutProcess, throttledId?: string): Consume {
    const { dynamo, s3, sqs } = this.standIns;
    const throttled = refusing(process.client(dynamo.client), (statement) => {
      const isMeant = throttledId !== undefined && JSON.stringify(statement).includes(`#${throttledId}"`);
      return isMeant && hasIndexKeys(statement) ? "ThrottlingError" : undefined;
    });
    const ports = this.store.portsFor(throttled, process.client(s3.client));
    const { monotonicMs } = virtualTime();
    const nowMs = (): number => BATCH_TIME_MS + this.passedMs;
    const identifiers = createIdentifiers({ nowMs, fillRandom: randomFillSync });
    const { conflictKey, queue } = this;
    return createConsume({
      persist: createPersist({ ...ports, conflictKey, newBatchId: identifiers.newEventId }),
      quarantine: createQuarantine(ports.archive),
      retryLater: createRetryLater({
        client: process.client(sqs.client),
        queueArn: queue.arn,
        queueUrl: queue.url,
        intakeUrl: queue.url,
      }),
      linesQueueArn: queue.arn,
      intakeTenants: {},
      clock: { nowMs },
      monotonicMs,
      identifiers,
      random: () => 0,
      telemetry: {
        warn: () => undefined,
        error: (message, fields) => this.errors.push(`${message}: ${JSON.stringify(fields)}`),
      },
      serviceName: "audit_service",
      writeMetrics: () => undefined,
    });
  }

  janitor(process: CutProcess): () => Promise<JanitorReport> {
    const { dynamo, s3 } = this.standIns;
    const ports = {
      ...this.store.portsFor(process.client(dynamo.client), process.client(s3.client)),
      conflictKey: this.conflictKey,
    };
    const clock = { nowMs: () => BATCH_TIME_MS + this.passedMs };
    return createJanitor({ ...ports, clock, complete: createCompleteBatch(ports) });
  }
}
