/**
 * The file that `cdk deploy --outputs-file` writes, as the environment variables that its values stand for: what a
 * command about a deployment reads first, before the environment itself.
 */
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { AWS_VARIABLES } from "#functions/aws-variables.ts";
import type { Environment } from "#functions/config.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** Output of a stack → the variable that means the same. */
const VARIABLE_OF_OUTPUT: Readonly<Record<string, string>> = {
  TableName: AWS_VARIABLES.tableName.name,
  LedgerName: AWS_VARIABLES.ledgerName.name,
  QueueUrl: AWS_VARIABLES.queueUrl.name,
  IntakeUrl: AWS_VARIABLES.intakeUrl.name,
  QueueDlqUrl: AWS_VARIABLES.queueDlqUrl.name,
  IntakeDlqUrl: AWS_VARIABLES.intakeDlqUrl.name,
  ArchiveBucket: AWS_VARIABLES.archiveBucket.name,
  HotRetentionDays: AWS_VARIABLES.hotRetentionDays.name,
  IntakeTenants: AWS_VARIABLES.intakeTenants.name,
};

/** Stack → output → value. */
const Outputs = z.record(z.string(), z.record(z.string(), z.string()));

/** @throws AuditServiceError `invalid-configuration` where it cannot be read, or is of several deployments */
export async function readOutputs(path: string): Promise<Environment> {
  const parsed = Outputs.safeParse(parsedJson(await readText(path)));
  if (!parsed.success)
    throw invalid(
      `${path} is not what \`cdk deploy --outputs-file\` writes: {"<stack>": {"TableName": "…", …}}`,
    );
  const env: Record<string, string> = {};
  for (const outputs of Object.values(parsed.data)) {
    for (const [name, value] of Object.entries(outputs)) {
      const variable = VARIABLE_OF_OUTPUT[name];
      if (variable === undefined) continue;
      if (env[variable] !== undefined && env[variable] !== value)
        throw invalid(`${path} holds the outputs of several deployments: ${name} differs; leave one`);
      env[variable] = value;
    }
  }
  if (Object.keys(env).length > 0) return env;
  throw invalid(`${path} holds none of the outputs ${Object.keys(VARIABLE_OF_OUTPUT).join(", ")}`);
}

/** The output that means the same as a variable, for messages. */
export function outputOf(variable: string): string | undefined {
  return Object.entries(VARIABLE_OF_OUTPUT).find(([, name]) => name === variable)?.[0];
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuditServiceError("invalid-configuration", `${path} cannot be read: ${reason}`, { cause });
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(message: string): AuditServiceError {
  return new AuditServiceError("invalid-configuration", message);
}
