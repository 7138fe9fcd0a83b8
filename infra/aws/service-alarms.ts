/** The alarms of the catalogue, and the topic that they are sent to where the stage has somebody who listens. */
import { Alarm, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import { ALARMS, comparisonOf } from "#infra/aws/alarm-catalogue.ts";
import { sendAlarms } from "#infra/aws/alarm-topic.ts";
import type { Watched } from "#infra/aws/service-metrics.ts";

export interface ServiceAlarmsProps {
  readonly watched: Watched;
  /** @default alarms are sent nowhere */
  readonly email?: string | undefined;
}

const RUNBOOKS = "docs/operations.md";

export class ServiceAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { watched, email }: ServiceAlarmsProps) {
    super(scope, id);
    this.alarms = ALARMS.map(
      (definition) =>
        new Alarm(this, definition.id, {
          alarmDescription: `${definition.meaning} See ${RUNBOOKS}#${definition.runbook}`,
          metric: definition.metric(watched),
          threshold: definition.threshold,
          comparisonOperator: comparisonOf(definition),
          evaluationPeriods: definition.within ?? definition.periods,
          datapointsToAlarm: definition.periods,
          treatMissingData: definition.missing ?? TreatMissingData.NOT_BREACHING,
        }),
    );
    sendAlarms(this, this.alarms, email);
  }
}
