/** `cdk synth` and `cdk deploy`: the app of the stage that `--context stage=<name>` names, checked by cdk-nag. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import * as z from "zod";
import { createAuditApp } from "#infra/aws/audit-app.ts";
import { PROJECT_ROOT } from "#infra/aws/bundle.ts";
import { DEFAULT_STAGE_NAME, findStage } from "#infra/aws/stages.ts";

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(PROJECT_ROOT, "package.json"), "utf8")));

const app = new App();
const stageName: unknown = app.node.tryGetContext("stage") ?? DEFAULT_STAGE_NAME;
createAuditApp(app, findStage(stageName), version);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
