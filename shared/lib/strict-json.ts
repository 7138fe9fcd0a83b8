/**
 * JSON as evidence needs it: what `JSON.parse` would silently change is reported by path instead (duplicate member
 * names, of which it keeps the last; integers beyond ±(2^53−1) and overflowing numbers, which it rounds), and so is
 * what nests too deep to be walked. The text is attacker-controlled. A fast look clears honest input; only suspicious
 * text is walked in full.
 */
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { shortPointer } from "#lib/json-pointer.ts";

/** What is deeper is not walked: no event may nest a tenth as deep, and recursion stays bounded. */
const MAX_DEPTH = 500;
/** Where entries of a list are: `/events/7`. */
const ENTRY_DEPTH = 2;
/** What nests deeper is named by its ancestor so many levels down: `/events/0/metadata` of a batch. */
const MAX_NAMED_DEPTH = 3;
const MAX_PROBLEMS = 100;
/** Behind those, the first of each value two levels down, an entry of a list, is still told: no batch holds more entries. */
const MAX_LATER_PROBLEMS = 1000;
/** Integers of so many digits always fit: 2^53 − 1 has 16. */
const SAFE_DIGITS = 15;
const SPACE = 32;
const LETTER_E = 101;
/** Set in the code of a lower-case letter of ASCII. */
const LOWER_CASE = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;

export interface StrictJson {
  readonly value: unknown;
  /**
   * What the value does not show as it was sent, and what nests over 500 deep. Empty for nearly every text. At most 100
   * problems, and behind them one of each value two levels down, such as `/events/7`, at most 1,000.
   */
  readonly problems: readonly FieldError[];
}

/**
 * A value with problems may nest deeper than recursion can follow: only without them is it fit to be walked.
 * @throws AuditValidationError `malformed-json` where `text` is not JSON
 */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuditValidationError("malformed-json", `the body is not JSON: ${clip(reason)}`, { cause });
  }
  const isHonest = survey(value, MAX_DEPTH) === countWritten(text);
  return { value, problems: isHonest ? [] : findProblems(text) };
}

/** V8 quotes the text around the fault; a line of it is enough. */
function clip(reason: string): string {
  return reason.replaceAll(/\s+/g, " ").slice(0, 160);
}

/** Members that valid JSON text writes, duplicates included: colons outside strings. */
function countWritten(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) members++;
    else if (code === QUOTE) at = stringEnd(text, at);
  }
  return members;
}

/** The index of the quote that closes the string opened at `from`. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Members that the parsed value has; NaN where it nests too deep or holds a number that may have been changed. */
function survey(value: unknown, depthLeft: number): number {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  if (depthLeft === 0) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item !== "string") count += survey(item, depthLeft - 1);
    return count;
  }
  for (const member of Object.values(value)) {
    count++;
    if (typeof member !== "string") count += survey(member, depthLeft - 1);
  }
  return count;
}

/** The index behind the container opened at `from`. A loop, because it may nest without end. */
function containerEnd(text: string, from: number): number {
  let at = from;
  let open = 0;
  do {
    const sign = text[at];
    if (sign === '"') at = stringEnd(text, at);
    else if (sign === "{" || sign === "[") open++;
    else if (sign === "}" || sign === "]") open--;
    at++;
  } while (open > 0);
  return at;
}

/** Walks valid JSON text and names each duplicate member, each number that JavaScript would change, and what is too deep. */
function findProblems(text: string): FieldError[] {
  const problems: FieldError[] = [];
  let at = 0;
  let depth = 0;
  /** Where the walk is; its pointer is made only for a problem. */
  const place: (string | number)[] = [];
  /** Where the value two levels down begins that is being walked, and where the last one with a problem. */
  let entryAt = 0;
  let toldAt = 0;
  const report = (message: string, maxDepth = Infinity): void => {
    const isFirst = entryAt !== toldAt;
    if (problems.length >= (isFirst ? MAX_PROBLEMS + MAX_LATER_PROBLEMS : MAX_PROBLEMS)) return;
    toldAt = entryAt;
    problems.push({ path: shortPointer(place.slice(0, maxDepth)), message });
  };
  /** Where the ancestor begins by which the place is named if it is too deep, and where the last one so named. */
  let ancestorAt = 0;
  let deepAt = -1;
  const skipDeep = (): void => {
    at = containerEnd(text, at);
    if (deepAt === ancestorAt) return;
    deepAt = ancestorAt;
    report(`nests deeper than ${MAX_DEPTH} levels`, MAX_NAMED_DEPTH);
  };
  const skipSpace = (): void => {
    while (text.charCodeAt(at) <= SPACE) at++;
  };
  const readString = (): string => {
    const end = stringEnd(text, at);
    const raw: unknown = JSON.parse(text.slice(at, end + 1));
    at = end + 1;
    return String(raw);
  };
  const readScalar = (): void => {
    const from = at;
    let hasExponent = false;
    for (; at < text.length && !isScalarEnd(text.charCodeAt(at)); at++) {
      if ((text.charCodeAt(at) | LOWER_CASE) === LETTER_E) hasExponent = true;
    }
    if (at - from <= SAFE_DIGITS && !hasExponent) return;
    const problem = numberTokenProblem(text.slice(from, at));
    if (problem !== undefined) report(problem);
  };
  const readArray = (): void => {
    for (let index = 0; ; index++) {
      at++; // "[" or ","
      skipSpace();
      place.push(index);
      if (text[at] !== "]") readValue();
      place.pop();
      skipSpace();
      if (text[at] === "]") break;
    }
    at++;
  };
  const readObject = (): void => {
    const seen = new Set<string>();
    for (;;) {
      at++; // "{" or ","
      skipSpace();
      if (text[at] === "}") break;
      const key = readString();
      place.push(key);
      if (seen.has(key)) report("is given twice; which one is meant cannot be told");
      seen.add(key);
      skipSpace();
      at++; // ":"
      skipSpace();
      readValue();
      place.pop();
      skipSpace();
      if (text[at] === "}") break;
    }
    at++;
  };
  const readValue = (): void => {
    const first = text[at];
    if (place.length === ENTRY_DEPTH) entryAt = at;
    if (first === '"') at = stringEnd(text, at) + 1;
    else if (first !== "{" && first !== "[") readScalar();
    else if (depth === MAX_DEPTH) skipDeep();
    else {
      if (place.length <= MAX_NAMED_DEPTH) ancestorAt = at;
      depth++;
      if (first === "{") readObject();
      else readArray();
      depth--;
      if (place.length < ENTRY_DEPTH) entryAt = at; // what follows is of no entry in it
    }
  };
  skipSpace();
  readValue();
  return problems;
}

/** Space, comma, or the end of a container: what follows a number or literal. */
function isScalarEnd(code: number): boolean {
  return code <= SPACE || code === 0x2c || code === 0x5d || code === 0x7d;
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
