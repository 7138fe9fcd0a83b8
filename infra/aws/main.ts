/** `cdk synth` and `cdk deploy`: the app of the stage that `--context stage=<name>` names, checked by cdk-nag. */
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { createAuditApp } from "#infra/aws/audit-app.ts";
import { readVersion } from "#infra/aws/package-version.ts";
import { DEFAULT_STAGE_NAME, findStage } from "#infra/aws/stages.ts";

const app = new App();
const stageName: unknown = app.node.tryGetContext("stage") ?? DEFAULT_STAGE_NAME;
createAuditApp(app, findStage(stageName), readVersion());
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
