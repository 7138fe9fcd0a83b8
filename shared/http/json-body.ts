/** The JSON body of a route that has a small schema: read strictly, and refused by path. */
import type * as z from "zod";
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { childPointer, toPointer } from "#lib/json-pointer.ts";
import { parseStrictJson } from "#lib/strict-json.ts";
import { plainMessage } from "#event/schema-messages.ts";

const MAX_ERRORS = 20;
const MAX_SHOWN_CHARACTERS = 64;

/**
 * The value of a body that says nothing which its value does not show.
 * @param text attacker-controlled
 * @throws AuditValidationError `malformed-json`, `validation-failed`
 */
export function readJson(text: string): unknown {
  const { value, problems } = parseStrictJson(text);
  if (problems.length > 0) throw invalid(problems);
  return value;
}

/**
 * The value of a body that keeps to `schema`.
 * @param text attacker-controlled
 * @throws AuditValidationError `malformed-json`, `validation-failed`
 */
export function readJsonBody<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  const parsed = schema.safeParse(readJson(text));
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.flatMap(toFieldErrors));
}

/** zod names members that it does not know in one issue of the object; here each has its own. */
function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = toPointer(issue.path);
  if (issue.code !== "unrecognized_keys") return [{ path, message: plainMessage(issue) }];
  return issue.keys.map((key) => ({
    path: childPointer(path, key.slice(0, MAX_SHOWN_CHARACTERS)),
    message: "is not a member of this body",
  }));
}

function invalid(errors: readonly FieldError[]): AuditValidationError {
  const first = errors[0];
  const place = first === undefined || first.path === "" ? "it" : first.path;
  const summary = `the body is not valid: ${place} ${first?.message ?? ""}`;
  return new AuditValidationError("validation-failed", summary, { errors: errors.slice(0, MAX_ERRORS) });
}
