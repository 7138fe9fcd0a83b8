// The stacks of a stage, synthesised in this process without bundles, account or network, and what tests ask of them.
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { AuditApp } from "#infra/aws/audit-app.ts";
import { createAuditApp } from "#infra/aws/audit-app.ts";
import type { Stage } from "#infra/aws/stages.ts";
import { findStage } from "#infra/aws/stages.ts";
import { createWitnessApp } from "#infra/aws/witness-app.ts";

export interface Synthesised extends AuditApp {
  readonly app: App;
  readonly storageTemplate: Template;
  readonly serviceTemplate: Template;
}

/** One statement of a policy, with lists for what CloudFormation lets be single. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** A synthesis is a second of CPU; a machine that is shared takes many. */
export const SYNTHESIS_TIMEOUT_MS = 60_000;

const VERSION = "0.0.0";

/** @param changes what differs from the stage of this name */
export function synthesise(stageName: string, changes: Partial<Stage> = {}): Synthesised {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  const stacks = createAuditApp(app, { ...findStage(stageName), ...changes }, VERSION);
  return {
    app,
    ...stacks,
    storageTemplate: Template.fromStack(stacks.storage),
    serviceTemplate: Template.fromStack(stacks.service),
  };
}

/** The stack of a witness. */
export function synthesiseWitness(stageName: string, logKeys: readonly string[]): Template {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  return Template.fromStack(
    createWitnessApp(app, { stage: findStage(stageName), logKeys, version: VERSION }),
  );
}

/** The statements of a function's policy, by the id of its construct. */
export function statementsOf({ serviceTemplate }: Synthesised, functionId: string): readonly Statement[] {
  const policies = Object.entries(serviceTemplate.findResources("AWS::IAM::Policy"));
  const found = policies.filter(([id]) => id.startsWith(`${functionId}Policy`));
  return found.flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement.map(readStatement));
}

function readStatement(raw: Record<string, unknown>): Statement {
  return {
    effect: String(raw["Effect"]),
    actions: listOf(raw["Action"]).map(String),
    resources: listOf(raw["Resource"]).map(nameOf),
  };
}

/** An ARN as a short name: imports and references by what they point at, joins by what they add. */
function nameOf(value: unknown): string {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value);
  const target = /(?:GetAtt(?:":\[")?|ExportsOutputFnGetAtt)([A-Za-z]+?)[0-9A-F]{8}/.exec(text)?.[1] ?? text;
  const suffix = text.includes("StreamArn") ? " stream" : (/"(\/[^"]+|:\*)"\]/.exec(text)?.[1] ?? "");
  return `${target}${suffix}`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
