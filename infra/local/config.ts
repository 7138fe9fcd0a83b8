/** What the command line reads from the environment beside the configuration of the service. */
import * as z from "zod";
import { AuditServiceError } from "#lib/errors.ts";

export interface CliConfig {
  /** Address of a running service. */
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  /** Whether colours are unwanted (no-color.org: set and not empty). */
  readonly isColorless: boolean;
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
  const { AUDIT_URL: url, AUDIT_API_KEY: apiKey, NO_COLOR: noColor } = parsed.data;
  return { url, apiKey, isColorless: noColor !== undefined };
}
