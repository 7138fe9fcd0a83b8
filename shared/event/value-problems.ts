/** Which values of an event cannot be stored as they were sent, and why: a closer look that few events need. */
import type { NewEvent } from "#event/audit-event.ts";
import { MAX_ERRORS, MAX_VALUE_DEPTH } from "#event/limits.ts";
import { isPlainObject, jsonProblems } from "#lib/canonical-json.ts";
import type { FieldError } from "#lib/errors.ts";

/** By path, what in the event's values cannot be stored as sent; absent members are undefined and no problem. */
export function valueProblems(event: NewEvent): FieldError[] {
  const problems: FieldError[] = [];
  const check = (value: unknown, path: string): void => {
    const maxProblems = MAX_ERRORS - problems.length;
    problems.push(...jsonProblems(value, { path, maxDepth: MAX_VALUE_DEPTH, maxProblems }));
  };
  for (const [name, value] of Object.entries(event)) {
    if (value === undefined) continue;
    if (name !== "changes" || !Array.isArray(value)) check(value, `/${name}`);
    else value.forEach((change: unknown, index) => checkChange(change, { path: `/changes/${index}`, check }));
  }
  return problems;
}

interface ChangeContext {
  readonly path: string;
  readonly check: (value: unknown, path: string) => void;
}

/** The depth of `before` and `after` is their own; what stands around them does not count. */
function checkChange(change: unknown, { path, check }: ChangeContext): void {
  if (!isPlainObject(change)) return check(change, path);
  for (const [part, value] of Object.entries(change)) check(value, `${path}/${part}`);
  return undefined;
}
