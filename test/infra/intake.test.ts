// Who may send to the intake queue, and whose tenant the consumer takes each sender's events for.
import { App, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { expect, it, vi } from "vitest";

import { createAuditApp } from "#infra/aws/audit-app.ts";
import { findStage } from "#infra/aws/stages.ts";
import type { Synthesised } from "#test/infra/synthesised.ts";
import { SYNTHESIS_TIMEOUT_MS, synthesise } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

/** Of one policy; it may name 50 principals (SQS quotas, 2026). */
const MAX_STATEMENTS = 20;

const SENDER = {
  roleArn: "arn:aws:iam::210987654321:role/billing",
  roleId: "AROAEXAMPLEEXAMPLE12",
  tenant: "billing",
};

it("admits the senders of the stage to the intake queue, and to no other", () => {
  const { storageTemplate } = synthesise("dev", { intakeSenders: [SENDER] });
  const policies = Object.values(storageTemplate.findResources("AWS::SQS::QueuePolicy"));

  const admitting = policies.filter((policy) => JSON.stringify(policy).includes(SENDER.roleArn));

  expect(admitting).toHaveLength(1);
  expect(admitting[0]?.["Properties"]).toMatchObject({
    Queues: [{ Ref: "QueuesIntakeQueueD2C91A39" }],
    PolicyDocument: {
      Statement: expect.arrayContaining([
        {
          Effect: "Allow",
          Principal: { AWS: SENDER.roleArn },
          Action: "sqs:SendMessage",
          Resource: { "Fn::GetAtt": ["QueuesIntakeQueueD2C91A39", "Arn"] },
        },
      ]),
    },
  });
});

it("admits as many senders as a policy of SQS may name", () => {
  const intakeSenders = Array.from({ length: 40 }, (_, index) => ({
    roleArn: `arn:aws:iam::210987654321:role/sender-${index}`,
    roleId: `AROAEXAMPLEEXAMPLE${String(index).padStart(3, "0")}`,
    tenant: "billing",
  }));
  const { storageTemplate } = synthesise("dev", { intakeSenders });
  const policies = Object.values(storageTemplate.findResources("AWS::SQS::QueuePolicy"));

  const statements = policies.map(({ Properties }) => Properties.PolicyDocument.Statement.length);

  expect(Math.max(...statements)).toBeLessThanOrEqual(MAX_STATEMENTS);
});

it("tells the consumer each sender's tenant, and admits nobody by default", () => {
  const tenantsOf = ({ serviceTemplate }: Synthesised): unknown =>
    Object.values(serviceTemplate.findResources("AWS::Lambda::Function")).flatMap(
      ({ Properties }) => Properties.Environment.Variables.AUDIT_INTAKE_TENANTS ?? [],
    );

  expect(tenantsOf(synthesise("dev", { intakeSenders: [SENDER] }))).toEqual([
    JSON.stringify({ [SENDER.roleId]: SENDER.tenant }),
  ]);
  expect(tenantsOf(synthesise("dev"))).toEqual(["{}"]);
});

it("lets a function of the same app send as its tenant", () => {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  const { service } = createAuditApp(app, findStage("dev"), "0.0.0");
  const shop = new Stack(app, "Shop");
  const role = new Role(shop, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });

  service.intake.grantSendIntake(role, { tenant: "shop" });

  Template.fromStack(shop).hasResourceProperties("AWS::IAM::Policy", {
    PolicyDocument: {
      Statement: [
        {
          Effect: "Allow",
          Action: "sqs:SendMessage",
          Resource: { "Fn::ImportValue": Match.stringLikeRegexp("QueuesIntakeQueue.*Arn") },
        },
      ],
    },
  });
  const consumer = JSON.stringify(Template.fromStack(service).findResources("AWS::Lambda::Function"));
  expect(consumer).toMatch(/"AUDIT_INTAKE_TENANTS":\{"Fn::Join":.*RoleId.*shop/);
});
