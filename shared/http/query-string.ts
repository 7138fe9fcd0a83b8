/**
 * The query string of a URL, decoded strictly: a parameter of an audit query that does not decode is refused, never
 * replaced by something similar. Parameters of the same name all survive, in order.
 */
import type * as z from "zod";
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { childPointer, toPointer } from "#lib/json-pointer.ts";
import { plainMessage } from "#event/schema-messages.ts";

export type QueryPairs = readonly (readonly [name: string, value: string])[];

const MAX_SHOWN_CHARACTERS = 64;
const MAX_ERRORS = 20;

/**
 * @param raw the part behind "?", as sent; attacker-controlled
 * @throws AuditValidationError `validation-failed` where a part is not valid percent-encoding of UTF-8
 */
export function parseQueryString(raw: string): QueryPairs {
  if (raw === "") return [];
  const pairs: [string, string][] = [];
  const errors: FieldError[] = [];
  for (const part of raw.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const rawName = equals === -1 ? part : part.slice(0, equals);
    const name = decode(rawName);
    const value = equals === -1 ? "" : decode(part.slice(equals + 1));
    if (name !== undefined && value !== undefined) pairs.push([name, value]);
    else errors.push(parameterError(name ?? rawName, "is not valid percent-encoded UTF-8"));
    if (errors.length === MAX_ERRORS) break;
  }
  if (errors.length > 0) throw invalid(errors);
  return pairs;
}

function decode(text: string): string | undefined {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // the caller names the parameter
  }
}

/** A pair list with one parameter taken out: its value where it is given once. */
export interface TakenParameter {
  readonly value: string | undefined;
  readonly rest: QueryPairs;
}

/** @throws AuditValidationError `validation-failed` where the parameter is given more than once */
export function takeParameter(pairs: QueryPairs, name: string): TakenParameter {
  const [first, ...more] = pairs.filter(([given]) => given === name);
  if (first === undefined) return { value: undefined, rest: pairs };
  if (more.length > 0) throw invalidParameter(name, `is given ${more.length + 1} times; give it once`);
  return { value: first[1], rest: pairs.filter(([given]) => given !== name) };
}

/**
 * Reads the parameters of a route that has few, by its schema.
 * @throws AuditValidationError `validation-failed` where one is unknown, repeated or wrong; paths are `/<parameter>`
 */
export function readParameters<Schema extends z.ZodObject>(
  schema: Schema,
  pairs: QueryPairs,
): z.output<Schema> {
  const given = new Map<string, string>();
  const errors: FieldError[] = [];
  for (const [name, value] of pairs) {
    if (given.has(name)) errors.push(parameterError(name, "is given more than once"));
    else if (!Object.hasOwn(schema.shape, name)) errors.push(parameterError(name, unknownParameter(schema)));
    else given.set(name, value);
    if (errors.length === MAX_ERRORS) break;
  }
  if (errors.length > 0) throw invalid(errors);
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => ({ path: toPointer(issue.path), message: plainMessage(issue) })),
  );
}

function unknownParameter({ shape }: z.ZodObject): string {
  const known = Object.keys(shape);
  if (known.length === 0) return "is not a parameter of this route, which has none";
  return `is not a parameter of this route, which knows ${known.join(", ")}`;
}

/** An error about one query parameter. */
export function invalidParameter(name: string, message: string): AuditValidationError {
  return invalid([parameterError(name, message)]);
}

function parameterError(name: string, message: string): FieldError {
  return { path: childPointer("", name.slice(0, MAX_SHOWN_CHARACTERS)), message };
}

function invalid(errors: readonly FieldError[]): AuditValidationError {
  const first = errors[0];
  const summary = `the query parameter ${first?.path.slice(1) ?? ""} ${first?.message ?? ""}`;
  return new AuditValidationError("validation-failed", summary, { errors });
}
