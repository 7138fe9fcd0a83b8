/**
 * JSON as evidence needs it: what `JSON.parse` would silently change is reported by path instead (duplicate member
 * names, of which it keeps the last; integers beyond ±(2^53−1) and overflowing numbers, which it rounds).
 * The text is attacker-controlled. A fast look clears honest input; only suspicious text is walked in full.
 */
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { childPointer, shownPointer } from "#lib/json-pointer.ts";

/** Deeper bodies are refused whole: no event may nest a tenth as deep, and recursion stays bounded. */
const MAX_DEPTH = 500;
const MAX_PROBLEMS = 100;
/** Fewer digits always fit: 2^53 − 1 = 9007199254740991 has 16. */
const SAFE_DIGITS = 15;
const QUOTE = 34;
const BACKSLASH = 92;

export interface StrictJson {
  readonly value: unknown;
  /** What the value does not show as it was sent, at most 100. Empty for nearly every text. */
  readonly problems: readonly FieldError[];
}

/** @throws AuditValidationError `malformed-json` where `text` is not JSON, `validation-failed` where it nests over 500 deep */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuditValidationError("malformed-json", `the body is not JSON: ${clip(reason)}`, { cause });
  }
  const look = glance(text);
  if (look.depth > MAX_DEPTH) {
    const message = `the body nests ${look.depth} levels deep; the limit is ${MAX_DEPTH}`;
    throw new AuditValidationError("validation-failed", message, { errors: [{ path: "", message }] });
  }
  const isHonest = !look.hasRiskyNumber && look.members === countMembers(value);
  return { value, problems: isHonest ? [] : findProblems(text) };
}

/** V8 quotes the text around the fault; a line of it is enough. */
function clip(reason: string): string {
  return reason.replaceAll(/\s+/g, " ").slice(0, 160);
}

interface Glance {
  readonly members: number;
  readonly depth: number;
  readonly hasRiskyNumber: boolean;
}

/** One pass over valid JSON: members written, deepest nesting, and whether any number needs a closer look. */
function glance(text: string): Glance {
  let members = 0;
  let depth = 0;
  let deepest = 0;
  let run = 0; // digits of the number being passed
  let hasRiskyNumber = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at++; at < text.length; at++) {
        const inside = text.charCodeAt(at);
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) at++;
      }
      continue;
    }
    if (code >= 48 && code <= 57) {
      if (++run > SAFE_DIGITS) hasRiskyNumber = true;
      continue;
    }
    if (run > 0 && (code === 101 || code === 69)) hasRiskyNumber = true; // 1e400
    run = 0;
    if (code === 58) members++;
    else if (code === 123 || code === 91) deepest = Math.max(deepest, ++depth);
    else if (code === 125 || code === 93) depth--;
  }
  return { members, depth: deepest, hasRiskyNumber };
}

/** The index of the quote that closes the string opened at `from`. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Members that the parsed value has; recursion is safe because the text nests at most MAX_DEPTH deep. */
function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  for (const member of Object.values(value)) {
    count++;
    if (typeof member === "object") count += countMembers(member);
  }
  return count;
}

/** Walks valid JSON text and names each duplicate member and each number that JavaScript would change. */
function findProblems(text: string): FieldError[] {
  const problems: FieldError[] = [];
  let at = 0;
  const report = (path: string, message: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push({ path: shownPointer(path), message });
  };
  const skipSpace = (): void => {
    while (" \t\n\r".includes(text[at] ?? "x")) at++;
  };
  const readString = (): string => {
    const end = stringEnd(text, at);
    const raw: unknown = JSON.parse(text.slice(at, end + 1));
    at = end + 1;
    return String(raw);
  };
  const readScalar = (path: string): void => {
    const from = at;
    while (at < text.length && !",]} \t\n\r".includes(text[at] ?? "")) at++;
    const problem = numberTokenProblem(text.slice(from, at));
    if (problem !== undefined) report(path, problem);
  };
  const readArray = (path: string): void => {
    for (let index = 0; ; index++) {
      at++; // "[" or ","
      skipSpace();
      if (text[at] !== "]") readValue(childPointer(path, index));
      skipSpace();
      if (text[at] === "]") break;
    }
    at++;
  };
  const readObject = (path: string): void => {
    const seen = new Set<string>();
    for (;;) {
      at++; // "{" or ","
      skipSpace();
      if (text[at] === "}") break;
      const key = readString();
      const memberPath = childPointer(path, key);
      if (seen.has(key)) report(memberPath, "is given twice; which one is meant cannot be told");
      seen.add(key);
      skipSpace();
      at++; // ":"
      skipSpace();
      readValue(memberPath);
      skipSpace();
      if (text[at] === "}") break;
    }
    at++;
  };
  const readValue = (path: string): void => {
    const first = text[at];
    if (first === '"') at = stringEnd(text, at) + 1;
    else if (first === "{") readObject(path);
    else if (first === "[") readArray(path);
    else readScalar(path);
  };
  skipSpace();
  readValue("");
  return problems;
}

function numberTokenProblem(token: string): string | undefined {
  if (!/^-?\d/.test(token)) return undefined;
  const value = Number(token);
  if (!Number.isFinite(value)) return "overflows a JavaScript number; send it as a string";
  const isInteger = /^-?\d+$/.test(token);
  if (isInteger && !Number.isSafeInteger(value)) {
    return `is an integer beyond ±${Number.MAX_SAFE_INTEGER}, which does not survive a JavaScript number; send it as a string`;
  }
  return undefined;
}
