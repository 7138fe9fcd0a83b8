/** The alarms of the catalogue, and the topic that they are sent to where the stage has somebody who listens. */
import { Aws } from "aws-cdk-lib";
import { Alarm, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import { ALARMS, comparisonOf } from "#infra/aws/alarm-catalogue.ts";
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
    if (email === undefined) return;
    const topic = new Topic(this, "Topic", { enforceSSL: true });
    topic.addSubscription(new EmailSubscription(email));
    // A topic with a policy of its own has lost the default one, which lets the account's alarms publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    const action = new SnsAction(topic);
    for (const alarm of this.alarms) {
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
  }
}
