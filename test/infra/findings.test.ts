// cdk-nag finds nothing that is not acknowledged, in any stage, and every acknowledgement has a reason.
import { App, Stack, Validations } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { AwsSolutionsChecks } from "cdk-nag";
import { expect, it, vi } from "vitest";

import { createAuditApp } from "#infra/aws/audit-app.ts";
import { STAGES } from "#infra/aws/stages.ts";
import { createWitnessApp } from "#infra/aws/witness-app.ts";
import { SYNTHESIS_TIMEOUT_MS } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

const SKIP_BUNDLES = { "aws:cdk:bundling-stacks": [] };

it.each(
  STAGES.flatMap((stage) => [
    stage,
    { ...stage, access: "open" as const, alarmEmail: "on-call@example.org" },
  ]),
)("stage $name with access $access has no open finding", (stage) => {
  const app = new App({ context: SKIP_BUNDLES });
  createAuditApp(app, stage, "0.0.0");
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

  expect(() => app.synth()).not.toThrow();
});

it.each(STAGES)("the witness of stage $name has no open finding", (stage) => {
  const app = new App({ context: SKIP_BUNDLES });
  createWitnessApp(app, {
    stage: { ...stage, alarmEmail: "on-call@example.org" },
    logKeys: [],
    version: "0.0.0",
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

  expect(() => app.synth()).not.toThrow();
});

it("fails synthesis where something is not acknowledged", () => {
  const app = new App({ context: SKIP_BUNDLES });
  const careless = new Bucket(new Stack(app, "Careless"), "Bucket");
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

  expect(careless.node.id).toBe("Bucket");
  expect(() => app.synth()).toThrow(/AwsSolutions-S10/);
});
