/**
 * The resources of synthesized stacks with their values worked out: every resource gets a name that nothing else on the
 * stand-ins has, references lead to those names, across stacks too. What is not understood is told all at once.
 */
import { randomBytes } from "node:crypto";
import * as z from "zod";
import type { SynthesizedStack } from "#infra/emulated/assembly.ts";
import { REGION } from "#infra/emulated/config.ts";
import type { Scope } from "#infra/emulated/intrinsics.ts";
import { resolveValue } from "#infra/emulated/intrinsics.ts";
import type { Named } from "#infra/emulated/resources.ts";
import type { PropertiesOf, UsedType } from "#infra/emulated/template.ts";
import { IGNORED_TYPES, isUsedType, USED_TYPES } from "#infra/emulated/template.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface DeployedResource<Type extends UsedType> extends Named<PropertiesOf<Type>> {
  readonly stackName: string;
  readonly logicalId: string;
  /** What `Ref` gives. */
  readonly ref: string;
  readonly arn: string;
  /** Of its stream, where it has one. */
  readonly streamArn: string;
}

export interface Deployment {
  readonly resources: <Type extends UsedType>(type: Type) => readonly DeployedResource<Type>[];
  /** In the form of `cdk deploy --outputs-file`: stack → output → value. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Folder of the asset with this key. */
  readonly assetFolder: (key: string) => string;
}

export interface DeploymentOptions {
  readonly stacks: readonly SynthesizedStack[];
  /** Where the one HTTP API answers. */
  readonly apiUrl: string;
  readonly sqsUrl: string;
}

/** The one that fauxqs has. */
const ACCOUNT = "000000000000";
const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::AccountId": ACCOUNT,
  "AWS::Region": REGION,
  "AWS::Partition": "aws",
  "AWS::URLSuffix": "amazonaws.com",
};
/** Members that give a resource its name. */
const NAME_MEMBERS = ["TableName", "QueueName", "BucketName", "FunctionName"];
/** Bucket names may have 63 characters, of which the suffix takes 9. */
const MAX_NAME_CHARACTERS = 54;
const ARN_SERVICES: Readonly<Record<string, string>> = {
  "AWS::DynamoDB::GlobalTable": `dynamodb:${REGION}:${ACCOUNT}:table/`,
  "AWS::SQS::Queue": `sqs:${REGION}:${ACCOUNT}:`,
  "AWS::S3::Bucket": "s3:::",
  "AWS::Lambda::Function": `lambda:${REGION}:${ACCOUNT}:function:`,
  "AWS::KMS::Key": `kms:${REGION}:${ACCOUNT}:key/`,
};

interface Entry {
  readonly stack: SynthesizedStack;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: unknown;
  readonly name: string;
}

/** @throws AuditServiceError `invalid-configuration` naming every part that is neither used nor knowingly passed over */
export function readDeployment(options: DeploymentOptions): Deployment {
  const { stacks } = options;
  const suffix = randomBytes(4).toString("hex");
  const entries = stacks.flatMap((stack) => entriesOf(stack, suffix));
  const problems = entries
    .filter(({ type }) => !isUsedType(type) && !Object.hasOwn(IGNORED_TYPES, type))
    .map((entry) => `${placeOf(entry)}: resources of this type are not known here`);
  const scopes = new Map(stacks.map((stack) => [stack, createScope(stack, { ...options, entries })]));
  const scopeOf = (stack: SynthesizedStack): Scope => scopes.get(stack) ?? unknownScope(stack.name);

  const resolved = entries.flatMap((entry) => {
    if (!isUsedType(entry.type)) return [];
    const parsed = USED_TYPES[entry.type].safeParse(resolveValue(entry.properties, scopeOf(entry.stack)));
    if (parsed.success) return [{ entry, properties: parsed.data }];
    problems.push(`${placeOf(entry)}: ${z.prettifyError(parsed.error)}`);
    return [];
  });
  if (problems.length > 0) throw notUnderstood(problems);
  return {
    resources: <Type extends UsedType>(type: Type) =>
      resolved
        .filter(({ entry }) => entry.type === type)
        .map(({ entry, properties }) => ({
          stackName: entry.stack.name,
          logicalId: entry.logicalId,
          name: entry.name,
          ref: refOf(entry, options.sqsUrl),
          arn: arnOf(entry),
          streamArn: streamArnOf(entry),
          // cast: the schema of this type has accepted them
          properties: properties as PropertiesOf<Type>,
        })),
    outputs: Object.fromEntries(stacks.map((stack) => [stack.name, outputsOf(stack, scopeOf(stack))])),
    assetFolder: (key) => {
      const folder = stacks.map(({ assets }) => assets.get(key)).find((found) => found !== undefined);
      if (folder === undefined) throw notUnderstood([`there is no asset ${key}`]);
      return folder;
    },
  };
}

function entriesOf(stack: SynthesizedStack, suffix: string): readonly Entry[] {
  return Object.entries(stack.template.Resources).map(
    ([logicalId, { Type: type, Properties: properties }]) => {
      const given = NAME_MEMBERS.map((member) => properties[member]).find((name) => typeof name === "string");
      const base = (given ?? logicalId).slice(0, MAX_NAME_CHARACTERS);
      const name = `${base}-${suffix}`;
      return {
        stack,
        logicalId,
        type,
        properties,
        name: type === "AWS::S3::Bucket" ? name.toLowerCase() : name,
      };
    },
  );
}

function refOf({ type, name }: Entry, sqsUrl: string): string {
  return type === "AWS::SQS::Queue" ? `${sqsUrl}/${ACCOUNT}/${name}` : name;
}

/** Of what is passed over too: nobody looks at it, but texts may hold it. */
function arnOf({ type, name }: Entry): string {
  return `arn:aws:${ARN_SERVICES[type] ?? `ignored:${REGION}:${ACCOUNT}:`}${name}`;
}

/** The stand-in names the stream as it likes; functions are told this. */
function streamArnOf(table: Entry): string {
  return `${arnOf(table)}/stream/1`;
}

interface ScopeOptions extends DeploymentOptions {
  readonly entries: readonly Entry[];
}

function createScope(stack: SynthesizedStack, { stacks, entries, apiUrl, sqsUrl }: ScopeOptions): Scope {
  const find = (logicalId: string): Entry => {
    const found = entries.find((entry) => entry.stack === stack && entry.logicalId === logicalId);
    if (found === undefined) throw notUnderstood([`${stack.name}: there is no resource ${logicalId}`]);
    return found;
  };
  const scope: Scope = {
    reference: (name) => {
      if (name === "AWS::StackName") return stack.name;
      return PSEUDO[name] ?? refOf(find(name), sqsUrl);
    },
    attribute: (logicalId, name) => {
      const entry = find(logicalId);
      if (name === "Arn") return arnOf(entry);
      if (name === "StreamArn") return streamArnOf(entry);
      if (name === "QueueName" || name === "KeyId") return entry.name;
      if (name === "ApiEndpoint" || name === "ApiId") return name === "ApiId" ? entry.name : apiUrl;
      if (Object.hasOwn(IGNORED_TYPES, entry.type)) return `${entry.name}.${name}`;
      throw notUnderstood([`${placeOf(entry)}: the attribute ${name} is not known here`]);
    },
    imported: (exportName) => {
      for (const other of stacks) {
        const otherScope = other === stack ? scope : createScope(other, { stacks, entries, apiUrl, sqsUrl });
        for (const { Value, Export } of Object.values(other.template.Outputs)) {
          if (Export !== undefined && resolveValue(Export.Name, otherScope) === exportName)
            return resolveValue(Value, otherScope);
        }
      }
      throw notUnderstood([`${stack.name}: no stack exports ${exportName}`]);
    },
  };
  return scope;
}

function unknownScope(stackName: string): never {
  throw notUnderstood([`there is no stack ${stackName}`]);
}

function outputsOf({ template }: SynthesizedStack, scope: Scope): Readonly<Record<string, string>> {
  const entries = Object.entries(template.Outputs);
  return Object.fromEntries(entries.map(([key, { Value }]) => [key, String(resolveValue(Value, scope))]));
}

function placeOf({ stack, logicalId, type }: Entry): string {
  return `${stack.name}/${logicalId} (${type})`;
}

function notUnderstood(problems: readonly string[]): AuditServiceError {
  const list = problems.map((problem) => `\n  ${problem}`).join("");
  return new AuditServiceError("invalid-configuration", `the template is not understood:${list}`);
}
