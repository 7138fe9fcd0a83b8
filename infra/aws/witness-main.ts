/**
 * `cdk deploy --app "node infra/aws/witness-main.ts"`: the app of a witness, which is deployed into an account of its own.
 * `--context logKeys=<verifier key>[,…]` names the logs that it watches.
 */
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readVersion } from "#infra/aws/package-version.ts";
import { DEFAULT_STAGE_NAME, findStage } from "#infra/aws/stages.ts";
import { createWitnessApp, readLogKeys } from "#infra/aws/witness-app.ts";

const app = new App();
const stageName: unknown = app.node.tryGetContext("stage") ?? DEFAULT_STAGE_NAME;
const logKeys = readLogKeys(app.node.tryGetContext("logKeys"));
createWitnessApp(app, { stage: findStage(stageName), logKeys, version: readVersion() });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
