/**
 * What wakes the sealer: the ledger's stream, a few seconds after a batch is new, and a rule every minute as the net below
 * it. A wake-up tells nothing but that there may be work, so none is worth being repeated: the next one does it all.
 */
import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import type { EventTables } from "#infra/aws/event-tables.ts";
import type { ServiceFunction } from "#infra/aws/service-function.ts";

export interface SealTriggersProps {
  readonly tables: EventTables;
  readonly seal: ServiceFunction;
}

/** How long changes are gathered: a tenth of the minute that the schedule takes, half of the busiest interval of sealing. */
const WINDOW_SECONDS = 5;
/** As many as there may be; a run does not look at them. */
const MAX_RECORDS = 1000;
/** The shortest that Lambda takes; the schedule has come by then. */
const MAX_RECORD_AGE_SECONDS = 60;

export class SealTriggers extends Construct {
  readonly source: EventSourceMapping;
  readonly schedule: Rule;

  constructor(scope: Construct, id: string, { tables, seal }: SealTriggersProps) {
    super(scope, id);
    this.source = new EventSourceMapping(this, "LedgerSource", {
      target: seal.lambda,
      eventSourceArn: tables.grantFollowLedger(seal),
      startingPosition: StartingPosition.LATEST,
      filters: [
        FilterCriteria.filter({
          eventName: isEqual("INSERT"),
          dynamodb: { Keys: { [ROW.partition]: { S: isEqual(LEDGER_PARTITION.pending) } } },
        }),
      ],
      batchSize: MAX_RECORDS,
      maxBatchingWindow: Duration.seconds(WINDOW_SECONDS),
      parallelizationFactor: 1,
      bisectBatchOnError: false,
      retryAttempts: 0,
      maxRecordAge: Duration.seconds(MAX_RECORD_AGE_SECONDS),
    });
    this.schedule = new Rule(this, "Schedule", {
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(seal.lambda, { retryAttempts: 0 })],
    });
    seal.lambda.configureAsyncInvoke({ retryAttempts: 0 });
  }
}

function isEqual(value: string): unknown {
  return FilterRule.isEqual(value);
}
