/**
 * The query as the contract has it: schema, limits, and the two ways in (a JSON body, URL parameters).
 * Input is attacker-controlled. What is not understood is refused by name: a filter that were ignored would answer
 * with events that nobody asked for.
 */
import * as z from "zod";
import { CATEGORIES, DEFAULT_TENANT, LEVELS, notOneOf, TenantId, Timestamp } from "#event/audit-event.ts";
import { MAX_NAME_BYTES, MAX_RESOURCE_ID_BYTES } from "#event/limits.ts";
import { normaliseEnum } from "#event/prepare-event.ts";
import { plainMessage } from "#event/schema-messages.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { compareInstants, parseInstant } from "#lib/instant.ts";
import { childPointer, toPointer } from "#lib/json-pointer.ts";
import { fitsCharacters, fitsUtf8, stringProblem } from "#lib/text.ts";
import { LIST_FILTER_NAMES } from "#query/plan.ts";

const MAX_LIMIT = 1000;
const DEFAULT_LIMIT = 100;
const MAX_OFFSET = 10_000;
const MAX_FILTER_VALUES = 20;
const MAX_MESSAGE_CONTAINS_CHARACTERS = 1000;
const MAX_CURSOR_CHARACTERS = 1024;
const MAX_ERRORS = 20;
/** So much of a value or name is repeated in an error. */
const MAX_SHOWN_CHARACTERS = 64;

const value = (maxBytes: number): z.ZodString =>
  z
    .string({ error: (issue) => `is ${show(issue.input)}; expected a string` })
    .min(1, { error: "is empty" })
    .refine((text) => fitsUtf8(text, maxBytes), {
      error: (issue) => `is ${Buffer.byteLength(String(issue.input))} bytes; the limit is ${maxBytes}`,
    })
    .refine((text) => stringProblem(text) === undefined, {
      error: (issue) => stringProblem(String(issue.input)),
    })
    .meta({ maxLength: maxBytes });

const list = <T extends z.ZodType>(item: T): z.ZodOptional<z.ZodArray<T>> =>
  z
    .array(item, { error: (issue) => `is ${show(issue.input)}; expected an array of strings` })
    .min(1, { error: "is an empty list; leave it out to match everything" })
    .max(MAX_FILTER_VALUES)
    .optional();

const integer = (min: number, max: number): z.ZodInt => {
  const error = (issue: { readonly input?: unknown }): string =>
    `is ${show(issue.input)}; expected an integer from ${min} to ${max}`;
  return z.int({ error, abort: true }).min(min, { error }).max(max, { error });
};

const flag = (): z.ZodBoolean =>
  z.boolean({ error: (issue) => `is ${show(issue.input)}; expected true or false` });

const names = list(value(MAX_NAME_BYTES));

/** A query as `parseQuery` answers it; AND across filters, OR within a list. */
export const AuditQuery = z
  .strictObject({
    start_time: Timestamp.optional().meta({ description: "earliest timestamp, inclusive" }),
    end_time: Timestamp.optional().meta({ description: "latest timestamp, inclusive" }),
    service_names: names,
    user_ids: names,
    levels: list(z.enum(LEVELS, { error: (issue) => notOneOf(issue.input, LEVELS) })),
    categories: list(z.enum(CATEGORIES, { error: (issue) => notOneOf(issue.input, CATEGORIES) })),
    actions: names,
    resource_types: names,
    resource_ids: list(value(MAX_RESOURCE_ID_BYTES)),
    request_ids: names,
    session_ids: names,
    error_codes: names,
    trace_ids: list(z.string().regex(/^[0-9a-fA-F]{32}$/, { error: "is not 32 hexadecimal digits" })),
    message_contains: z
      .string({ error: (issue) => `is ${show(issue.input)}; expected a string` })
      .min(1, { error: "is empty; leave it out to match every message" })
      .refine((text) => fitsCharacters(text, MAX_MESSAGE_CONTAINS_CHARACTERS), {
        error: `is longer than ${MAX_MESSAGE_CONTAINS_CHARACTERS} characters`,
      })
      .refine((text) => stringProblem(text) === undefined, {
        error: (issue) => stringProblem(String(issue.input)),
      })
      .optional()
      .meta({
        description: "part of the message, in any case",
        maxLength: MAX_MESSAGE_CONTAINS_CHARACTERS,
      }),
    tenant_id: TenantId.optional().meta({
      description: "only the tenant of the caller's key, where keys are used",
    }),
    limit: integer(1, MAX_LIMIT).default(DEFAULT_LIMIT),
    cursor: z
      .string({ error: (issue) => `is ${show(issue.input)}; expected a string` })
      .min(1, { error: "is empty; leave it out for the first page" })
      .max(MAX_CURSOR_CHARACTERS, { error: `is longer than ${MAX_CURSOR_CHARACTERS} characters` })
      .optional()
      .meta({ description: "next_cursor of the page before; with the same filters and order" }),
    offset: integer(0, MAX_OFFSET).default(0).meta({ description: "matches to pass over; prefer cursor" }),
    order_by: z
      .literal("timestamp", {
        error: (issue) => `is ${show(issue.input)}; events are ordered by timestamp only`,
      })
      .default("timestamp"),
    order_desc: flag().default(true).meta({ description: "newest first" }),
    include_total: flag().default(false).meta({ description: "count the matches, up to 10,000" }),
    explain: flag().default(false).meta({ description: "say how the page was found and what it cost" }),
  })
  .refine(({ start_time, end_time }) => !isAfter(start_time, end_time), {
    path: ["start_time"],
    error: "is after end_time",
  });
export type AuditQuery = z.infer<typeof AuditQuery>;

/** What a caller of the library may pass: any case of enumerations, and null for an absent member. */
export type AuditQueryDraft = Readonly<{
  [Member in keyof AuditQuery]?:
    | (AuditQuery[Member] extends readonly unknown[] | undefined ? readonly string[] : AuditQuery[Member])
    | null
    | undefined;
}>;

const LISTS: ReadonlySet<string> = new Set(LIST_FILTER_NAMES);
const INTEGERS: ReadonlySet<string> = new Set(["limit", "offset"]);
const BOOLEANS: ReadonlySet<string> = new Set(["order_desc", "include_total", "explain"]);
const TIMES: ReadonlySet<string> = new Set(["start_time", "end_time"]);
const MEMBERS: ReadonlySet<string> = new Set(Object.keys(AuditQuery.shape));

/** Names that people try first, where a plural does not lead there. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ["category", "categories"],
  ["from", "start_time"],
  ["since", "start_time"],
  ["to", "end_time"],
  ["until", "end_time"],
  ["message", "message_contains"],
  ["tenant", "tenant_id"],
  ["page_size", "limit"],
]);

/**
 * Checks a query and fills in defaults. Null counts as absent. What it answers is itself a valid input, with the
 * same answer.
 * @param input attacker-controlled
 * @throws AuditValidationError `validation-failed`; paths are JSON Pointers into `input`
 */
export function parseQuery(input: unknown): AuditQuery {
  if (!isPlainObject(input)) throw invalid([{ path: "", message: "is not a JSON object" }]);
  const misfits: FieldError[] = [];
  for (const [name, given] of Object.entries(input)) {
    const message = memberProblem(name, given);
    if (message !== undefined) misfits.push({ path: pointerTo(name), message });
    if (misfits.length === MAX_ERRORS) break;
  }
  if (misfits.length > 0) throw invalid(misfits);
  const parsed = AuditQuery.safeParse(normalise(input));
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => ({ path: toPointer(issue.path), message: plainMessage(issue) })),
  );
}

/**
 * Reads a query from URL parameters, decoded, in the order given. A list given once is split at commas; given
 * repeatedly, each is one exact value.
 * @param pairs attacker-controlled
 * @throws AuditValidationError `validation-failed`; paths are `/<parameter>`
 */
export function parseQueryParameters(pairs: readonly (readonly [string, string])[]): AuditQuery {
  const given = new Map<string, string[]>();
  for (const [name, text] of pairs) {
    const values = given.get(name);
    if (values === undefined) given.set(name, [text]);
    else values.push(text);
  }
  const errors: FieldError[] = [];
  const input: Record<string, unknown> = {};
  for (const [name, texts] of given) {
    const read = readParameter(name, texts);
    if (read.kind === "value") input[name] = read.value;
    else errors.push({ path: pointerTo(name), message: read.message });
  }
  if (errors.length > 0) throw invalid(errors);
  return parseQuery(input);
}

/**
 * The tenant that a query is about.
 * @param keyTenant tenant of the caller's key; undefined while no keys are configured, when a query may name any
 * @throws AuditValidationError `validation-failed` where the query names another tenant than the key's
 */
export function queryTenant(query: AuditQuery, keyTenant: string | undefined): string {
  if (keyTenant === undefined) return query.tenant_id ?? DEFAULT_TENANT;
  if (query.tenant_id === undefined || query.tenant_id === keyTenant) return keyTenant;
  throw invalid([{ path: "/tenant_id", message: "is not the tenant of this key; leave it out" }]);
}

type ReadParameter =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "problem"; readonly message: string };

function readParameter(name: string, texts: readonly string[]): ReadParameter {
  const problem = (message: string): ReadParameter => ({ kind: "problem", message });
  const read = (found: unknown): ReadParameter => ({ kind: "value", value: found });
  if (!MEMBERS.has(name)) return problem(unknownMember(name));
  const [first = "", ...more] = texts;
  if (LISTS.has(name)) return read(more.length === 0 ? first.split(",") : texts);
  if (more.length > 0) return problem(`is given ${texts.length} times; give it once`);
  if (INTEGERS.has(name)) {
    return /^(?:0|-?[1-9]\d{0,14})$/.test(first)
      ? read(Number(first))
      : problem(`is ${show(first)}; expected an integer`);
  }
  if (BOOLEANS.has(name)) {
    if (first === "true" || first === "false") return read(first === "true");
    return problem(`is ${show(first)}; expected true or false`);
  }
  if (TIMES.has(name) && / \d\d:\d\d$/.test(first)) {
    return problem("has a space where its zone begins; in a URL, + is written %2B");
  }
  return read(first);
}

/** What is found before the schema looks, so that a huge input costs little: unknown names and sizes of lists. */
function memberProblem(name: string, given: unknown): string | undefined {
  if (!MEMBERS.has(name)) return unknownMember(name);
  if (!Array.isArray(given) || given.length <= MAX_FILTER_VALUES) return undefined;
  return `holds ${given.length} values; the limit is ${MAX_FILTER_VALUES}`;
}

function unknownMember(name: string): string {
  const meant = MEANT.get(name) ?? `${name}s`;
  return MEMBERS.has(meant)
    ? `is not part of a query; did you mean ${meant}?`
    : `is not part of a query, which knows ${[...MEMBERS].join(", ")}`;
}

function normalise(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const query: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(input)) {
    if (given !== null && given !== undefined) query[name] = normaliseMember(name, given);
  }
  return query;
}

/** Enumerations are taken in any case; `action` and `service_name` of events are stored trimmed. */
function normaliseMember(name: string, given: unknown): unknown {
  if (!Array.isArray(given)) return given;
  if (name === "levels" || name === "categories") return given.map(normaliseEnum);
  if (name === "actions" || name === "service_names") return given.map(trimmed);
  return given;
}

function trimmed(given: unknown): unknown {
  return typeof given === "string" ? given.trim() : given;
}

function isAfter(start: string | undefined, end: string | undefined): boolean {
  if (start === undefined || end === undefined) return false;
  const [from, to] = [parseInstant(start), parseInstant(end)];
  return typeof from === "object" && typeof to === "object" && compareInstants(from, to) > 0;
}

function pointerTo(name: string): string {
  return childPointer("", name.slice(0, MAX_SHOWN_CHARACTERS));
}

/** A value for an error message: short, and never more than its kind where it is a container. */
function show(given: unknown): string {
  if (typeof given === "string") return JSON.stringify(given.slice(0, MAX_SHOWN_CHARACTERS));
  if (Array.isArray(given)) return "an array";
  if (typeof given === "object" && given !== null) return "an object";
  return typeof given === "function" || typeof given === "symbol" ? typeof given : String(given);
}

function invalid(errors: readonly FieldError[]): AuditValidationError {
  const first = errors[0];
  const place = first === undefined || first.path === "" ? "it" : first.path;
  const summary = `the query is not valid: ${place} ${first?.message ?? ""}`;
  return new AuditValidationError("validation-failed", summary, { errors: errors.slice(0, MAX_ERRORS) });
}
