/**
 * Who may send events to the intake queue, and for which tenant. The tenant comes from the role that SQS saw, never from
 * the message: so each role has one tenant, and the consumer is told them all.
 */
import { Lazy, Stack } from "aws-cdk-lib";
import type { IGrantable, IRole } from "aws-cdk-lib/aws-iam";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { EventQueues } from "#infra/aws/event-queues.ts";
import type { Grantee } from "#infra/aws/grantee.ts";
import type { IntakeSenderStage } from "#infra/aws/stages.ts";

export interface IntakeSendersProps {
  readonly queues: EventQueues;
  /** The function that stamps what was sent; it is given the tenants as AUDIT_INTAKE_TENANTS. */
  readonly consumer: Grantee;
  /** Roles that other apps create. @default none */
  readonly senders?: readonly IntakeSenderStage[];
}

/** A role that this app creates. */
export interface SendingRole extends IRole, IGrantable {
  /** `AROA…`: what the sender id of a message begins with. */
  readonly roleId: string;
}

export class IntakeSenders extends Construct {
  /** Role id → tenant, as JSON, of all senders that are admitted by the time of synthesis. */
  readonly tenantsJson: string;
  private readonly queues: EventQueues;
  private readonly tenants = new Map<string, string>();

  constructor(scope: Construct, id: string, { queues, consumer, senders = [] }: IntakeSendersProps) {
    super(scope, id);
    this.queues = queues;
    queues.admitSenders(senders.map(({ roleArn }) => roleArn));
    for (const { roleId, tenant } of senders) this.tenants.set(roleId, tenant);
    this.tenantsJson = Lazy.string({
      produce: () => Stack.of(this).toJsonString(Object.fromEntries(this.tenants)),
    });
    consumer.bind({ AUDIT_INTAKE_TENANTS: this.tenantsJson });
  }

  /** Lets the role of another function of this app send, as this tenant. The function finds the queue by its output IntakeUrl. */
  grantSendIntake(role: SendingRole, { tenant }: { readonly tenant: string }): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["sqs:SendMessage"],
        resources: [this.queues.intake.queue.queueArn],
      }),
    );
    this.tenants.set(role.roleId, tenant);
  }
}
