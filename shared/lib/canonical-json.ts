/**
 * Canonical JSON (RFC 8785): the one serialisation of a value, on which stored lines and content hashes rest.
 * Takes only what JSON can carry without loss; anything else is named by `jsonProblems`, never altered.
 */
import type { FieldError } from "#lib/errors.ts";
import { childPointer, shownPointer } from "#lib/json-pointer.ts";
import { stringProblem } from "#lib/text.ts";

/** Where RFC 8785 (ECMAScript Number::toString) begins to write integers with an exponent. */
const EXPONENT_FROM = 1e21;

const MAX_INSERTION_KEYS = 16;
const MAX_SCANNED_CHARACTERS = 256;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const TILDE = 0x7e;

/** A value that has no faithful canonical form; `jsonProblems` says where and why. */
export class NotJsonError extends Error {}

/**
 * The RFC 8785 form of `value`. Containers may nest `maxDepth` deep ({} is 1).
 * Strings are not checked for lone surrogates and NUL here: `mayHoldBadStrings` of the result tells.
 * @throws NotJsonError where `value` has no faithful form or nests too deep
 */
export function canonicalJson(value: unknown, maxDepth: number): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
      if (numberProblem(value) !== undefined) throw new NotJsonError();
      return String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (maxDepth < 1) throw new NotJsonError();
      return Array.isArray(value) ? canonicalArray(value, maxDepth) : canonicalObject(value, maxDepth);
    default:
      throw new NotJsonError();
  }
}

function canonicalArray(items: readonly unknown[], maxDepth: number): string {
  let out = "[";
  let separator = "";
  for (let index = 0; index < items.length; index++) {
    out += separator + canonicalJson(items[index], maxDepth - 1);
    separator = ",";
  }
  return `${out}]`;
}

function canonicalObject(members: object, maxDepth: number): string {
  if (!isPlainObject(members)) throw new NotJsonError();
  const keys = Object.keys(members);
  if (keys.length <= MAX_INSERTION_KEYS) insertionSort(keys);
  else keys.sort(); // by UTF-16 code units, as RFC 8785 section 3.2.3 wants
  let out = "{";
  let separator = "";
  for (const key of keys) {
    const value = members[key];
    const text = typeof value === "string" ? quoted(value) : canonicalJson(value, maxDepth - 1);
    out += separator + quoted(key) + ":" + text;
    separator = ",";
  }
  return `${out}}`;
}

/** In place, by UTF-16 code units; for few keys a third of the cost of Array.prototype.sort. */
function insertionSort(keys: string[]): void {
  for (let next = 1; next < keys.length; next++) {
    const key = keys[next] ?? "";
    let at = next;
    for (; at > 0 && (keys[at - 1] ?? "") > key; at--) keys[at] = keys[at - 1] ?? "";
    keys[at] = key;
  }
}

/** `text` as a JSON string, as JSON.stringify writes it; short printable ASCII at a quarter of its cost. */
export function quoted(text: string): string {
  const { length } = text;
  if (length > MAX_SCANNED_CHARACTERS) return JSON.stringify(text);
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return JSON.stringify(text);
  }
  return `"${text}"`;
}

/** Whether `value` is an object as JSON has them: no class instance, no array. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Whether canonical `text` can hold a lone surrogate or a NUL: well-formed JSON.stringify writes both as escapes.
 * False positives are possible (an escaped backslash before "ud"), misses are not.
 */
export function mayHoldBadStrings(text: string): boolean {
  return text.includes("\\u0000") || text.includes("\\ud");
}

/** Why `value` cannot be kept as a number, or undefined. Its canonical form must survive being read again. */
function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return `is ${value}; numbers must be finite`;
  const size = Math.abs(value);
  if (size > Number.MAX_SAFE_INTEGER && size < EXPONENT_FROM) {
    return `is an integer beyond ±${Number.MAX_SAFE_INTEGER}, which does not survive a JSON number; send it as a string`;
  }
  return undefined;
}

/**
 * Everything that keeps `value` from being stored as it is, by path: at most `maxProblems`.
 * `seen` guards against cycles: a value that contains itself is reported as too deep.
 */
export function jsonProblems(
  value: unknown,
  options: { path: string; maxDepth: number; maxProblems?: number },
): FieldError[] {
  const problems: FieldError[] = [];
  const maxProblems = options.maxProblems ?? 20;
  const report = (path: string, message: string): void => {
    if (problems.length < maxProblems) problems.push({ path: shownPointer(path), message });
  };
  const visit = (part: unknown, path: string, depthLeft: number): void => {
    if (problems.length >= maxProblems) return;
    const problem = leafProblem(part);
    if (problem !== undefined) return report(path, problem);
    if (typeof part !== "object" || part === null) return undefined;
    if (depthLeft < 1) return report(path, `nests deeper than ${options.maxDepth} levels`);
    if (Array.isArray(part)) {
      for (let index = 0; index < part.length; index++)
        visit(part[index], childPointer(path, index), depthLeft - 1);
      return undefined;
    }
    for (const [key, member] of Object.entries(part)) {
      const keyProblem = stringProblem(key);
      if (keyProblem === undefined) visit(member, childPointer(path, key), depthLeft - 1);
      else report(path, `a member name ${keyProblem}`);
    }
    return undefined;
  };
  visit(value, options.path, options.maxDepth);
  return problems;
}

function leafProblem(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return stringProblem(value);
    case "number":
      return numberProblem(value);
    case "boolean":
      return undefined;
    case "object":
      if (value === null || Array.isArray(value) || isPlainObject(value)) return undefined;
      return `is a ${value.constructor?.name ?? "class"} instance; only JSON values can be stored`;
    default:
      return `is ${typeof value}; only JSON values can be stored`;
  }
}
