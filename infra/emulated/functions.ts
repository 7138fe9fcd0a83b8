/** The functions of a template, each with the file of its asset and the environment that it is given. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Endpoints } from "#infra/emulated/config.ts";
import { endpointEnvironment } from "#infra/emulated/config.ts";
import type { Deployment } from "#infra/emulated/deployment.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";
import { createLambdaFunction } from "#infra/emulated/lambda-function.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface FunctionOptions {
  readonly endpoints: Endpoints;
  /** Variables over those of the template. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called with what functions write. */
  readonly onOutput: (text: string) => void;
}

/** By name and by ARN: templates refer to a function by either. */
export type Functions = ReadonlyMap<string, LambdaFunction>;

export function createFunctions(
  deployment: Deployment,
  { endpoints, environment, onOutput }: FunctionOptions,
): Functions {
  const functions = new Map<string, LambdaFunction>();
  for (const { name, arn, properties } of deployment.resources("AWS::Lambda::Function")) {
    const [module = "", exportName = ""] = properties.Handler.split(".");
    const folder = deployment.assetFolder(properties.Code.S3Key);
    const bundlePath = ["mjs", "js"].map((ext) => join(folder, `${module}.${ext}`)).find(existsSync);
    if (bundlePath === undefined) throw missing(`the file of handler ${properties.Handler} in ${folder}`);
    const created = createLambdaFunction({
      name,
      arn,
      bundlePath,
      exportName,
      environment: {
        ...endpointEnvironment(endpoints),
        ...properties.Environment?.Variables,
        ...environment,
      },
      timeoutSeconds: properties.Timeout,
      memoryMb: properties.MemorySize,
      onOutput,
    });
    functions.set(name, created).set(arn, created);
  }
  return functions;
}

export function functionOf(functions: Functions, nameOrArn: string): LambdaFunction {
  const found = functions.get(nameOrArn);
  if (found === undefined) throw missing(`the function ${nameOrArn}`);
  return found;
}

export function missing(what: string): AuditServiceError {
  return new AuditServiceError("invalid-configuration", `the template lacks ${what}`);
}
