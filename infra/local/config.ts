/** What the command line reads from the environment beside the configuration of the service. */
import * as z from "zod";
import type { AwsConfig } from "#functions/aws-variables.ts";
import { AWS_VARIABLES } from "#functions/aws-variables.ts";
import type { Environment } from "#functions/config.ts";
import { readAwsConfig } from "#functions/config.ts";
import { outputOf } from "#infra/local/outputs.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface CliConfig {
  /** Address of a running service. */
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  /** Whether colours are unwanted (no-color.org: set and not empty). */
  readonly isColorless: boolean;
  /** Folder for what programs remember (XDG Base Directory Specification). */
  readonly stateHome: string | undefined;
}

const text = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value));

const CliEnvironment = z.object({
  AUDIT_URL: text.refine((url) => url === undefined || /^https?:\/\/[^/]/.test(url), {
    error: "is no http or https address, such as http://127.0.0.1:8000",
  }),
  AUDIT_API_KEY: text,
  NO_COLOR: text,
  XDG_STATE_HOME: text,
});

/** @throws AuditServiceError `invalid-configuration` */
export function readCliConfig(): CliConfig {
  const parsed = CliEnvironment.safeParse(process.env);
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
    const list = errors.map(({ path, message }) => `${path} ${message}`).join("; ");
    throw new AuditServiceError("invalid-configuration", `the configuration is not valid: ${list}`, {
      errors,
    });
  }
  const { AUDIT_URL: url, AUDIT_API_KEY: apiKey, NO_COLOR: noColor, XDG_STATE_HOME: stateHome } = parsed.data;
  return { url, apiKey, isColorless: noColor !== undefined, stateHome };
}

/**
 * What commands about a deployment on AWS must know of it. All of it must be given, what functions have defaults for too:
 * a guess would write events for the wrong tenant, or drop those that the deployment keeps.
 * @param outputs variables that are taken before those of the environment
 * @throws AuditServiceError `invalid-configuration`
 */
export function readDeploymentConfig<Member extends keyof AwsConfig>(
  members: readonly Member[],
  outputs: Environment = {},
): Pick<AwsConfig, Member> {
  const env = { ...process.env, ...outputs };
  const missing = members
    .map((member) => AWS_VARIABLES[member].name)
    .filter((name) => (env[name] ?? "") === "");
  if (missing.length === 0) return readAwsConfig(members, env);
  const errors = missing.map((path): FieldError => ({ path, message: "is not set" }));
  const names = missing.map((name) => `${outputOf(name) ?? name} (${name})`).join(", ");
  const wayOut = "give a file of the deployment's outputs by --outputs, or set the variables in brackets";
  throw new AuditServiceError("invalid-configuration", `not known of the deployment: ${names}; ${wayOut}`, {
    errors,
  });
}
