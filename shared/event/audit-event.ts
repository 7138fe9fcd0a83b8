/**
 * The event as the contract has it: field names, enumerations and the zod schema that holds every limit of a field.
 * The schema checks a normalised event (see prepare-event.ts) and is the source of the OpenAPI document.
 */
import * as z from "zod";
import {
  MAX_CHANGE_PATH_BYTES,
  MAX_CHANGES,
  MAX_ERROR_MESSAGE_CHARACTERS,
  MAX_EVENT_ID_CHARACTERS,
  MAX_MESSAGE_CHARACTERS,
  MAX_NAME_BYTES,
  MAX_ON_BEHALF_OF,
  MAX_RESOURCE_ID_BYTES,
  MAX_SOURCE_IP_BYTES,
  MAX_STACK_TRACE_CHARACTERS,
  MAX_TENANT_ID_CHARACTERS,
  MAX_USER_AGENT_BYTES,
} from "#event/limits.ts";
import { kindOf } from "#event/schema-messages.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import { parseInstant } from "#lib/instant.ts";
import { countCharacters, fitsCharacters, fitsUtf8 } from "#lib/text.ts";

export const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"] as const;
export const CATEGORIES = [
  "AUTHENTICATION",
  "AUTHORIZATION",
  "DATA_ACCESS",
  "DATA_MODIFICATION",
  "SYSTEM_EVENT",
  "USER_ACTION",
  "API_REQUEST",
  "ERROR_EVENT",
  "PERFORMANCE",
  "SECURITY",
] as const;

export type Level = (typeof LEVELS)[number];
export type Category = (typeof CATEGORIES)[number];

export const DEFAULT_LEVEL: Level = "INFO";
export const DEFAULT_CATEGORY: Category = "SYSTEM_EVENT";
export const DEFAULT_TENANT = "default";

/** Names that routes use where an event id stands; no event may be called so. */
const RESERVED_EVENT_IDS = new Set([".", "..", "batch", "query", "export", "feed"]);

const string = (): z.ZodString =>
  z.string({
    error: ({ input }) => (input === undefined ? "is required" : `is ${kindOf(input)}; expected a string`),
  });

const bytes = (maxBytes: number): z.ZodString =>
  string()
    .refine((text) => text !== "" && fitsUtf8(text, maxBytes), {
      error: ({ input }) => (input === "" ? "is blank" : tooManyBytes(input, maxBytes)),
    })
    .meta({ description: `at most ${maxBytes} bytes of UTF-8`, minLength: 1, maxLength: maxBytes });

const characters = (maxCharacters: number): z.ZodString =>
  string()
    .refine((text) => fitsCharacters(text, maxCharacters), {
      error: ({ input }) => tooManyCharacters(input, maxCharacters),
    })
    .meta({ maxLength: maxCharacters });

function tooManyBytes(input: unknown, maxBytes: number): string {
  return `is ${typeof input === "string" ? Buffer.byteLength(input) : 0} bytes; the limit is ${maxBytes}`;
}

function tooManyCharacters(input: unknown, maxCharacters: number): string {
  return `is ${typeof input === "string" ? countCharacters(input) : 0} characters; the limit is ${maxCharacters}`;
}

const tooMany = (max: number) => ({
  error: ({ input }: { readonly input?: unknown }): string =>
    tooManyEntries(Array.isArray(input) ? input.length : 0, max),
});

export function tooManyEntries(count: number, max: number): string {
  return `holds ${count} entries; the limit is ${max}`;
}

/** How ids are written, as a JSON Schema pattern. */
const ID_PATTERN = "^[A-Za-z0-9._:-]+$";
const ID_SHAPE = new RegExp(ID_PATTERN);

// One check instead of three: every event passes here, and zod's cost is per check.
export const EventId = string()
  .refine((id) => eventIdProblem(id) === undefined, { error: ({ input }) => eventIdProblem(input) })
  .meta({
    description: "the sender's idempotency key; default a UUIDv7",
    pattern: ID_PATTERN,
    maxLength: MAX_EVENT_ID_CHARACTERS,
  });

function eventIdProblem(id: unknown): string | undefined {
  if (typeof id !== "string") return "is no string";
  if (id.length > MAX_EVENT_ID_CHARACTERS) return tooManyCharacters(id, MAX_EVENT_ID_CHARACTERS);
  if (!ID_SHAPE.test(id)) return "may hold only letters, digits and . _ : -";
  return RESERVED_EVENT_IDS.has(id) ? "is a reserved name" : undefined;
}

export const TenantId = string()
  .max(MAX_TENANT_ID_CHARACTERS, {
    error: ({ input }) => tooManyCharacters(input, MAX_TENANT_ID_CHARACTERS),
    abort: true,
  })
  .regex(ID_SHAPE, { error: "may hold only letters, digits and . _ : -" })
  .refine((id) => id !== "." && id !== ".." && !id.startsWith("_"), {
    error: ({ input }) =>
      `is a reserved name${String(input).startsWith("_") ? "; tenants do not begin with _" : ""}`,
  });

/** An RFC 3339 date-time with zone; stored as sent, compared as the instant. */
export const Timestamp = string()
  .refine((text) => typeof parseInstant(text) === "object", {
    error: ({ input }) => timestampProblem(input),
  })
  .meta({ format: "date-time" });

function timestampProblem(input: unknown): string {
  const problem = typeof input === "string" ? parseInstant(input) : undefined;
  return typeof problem === "string" ? problem : "is not a date-time";
}

/** How an enumeration's value is written; the service takes any case. */
export const Level = z
  .enum(LEVELS, { error: (issue) => notOneOf(issue.input, LEVELS) })
  .meta({ default: DEFAULT_LEVEL });
export const Category = z
  .enum(CATEGORIES, { error: (issue) => notOneOf(issue.input, CATEGORIES) })
  .meta({ default: DEFAULT_CATEGORY });

/** The sentence for a value that an enumeration does not have; at most 64 characters of it are repeated. */
export function notOneOf(input: unknown, values: readonly string[]): string {
  if (typeof input !== "string") return `is ${kindOf(input)}; expected one of ${values.join(", ")}`;
  return `${JSON.stringify(input.slice(0, 64))} is not one of ${values.join(", ")}`;
}

const OnBehalfOf = z.strictObject({ type: bytes(MAX_NAME_BYTES), id: bytes(MAX_NAME_BYTES) });

const Change = z.strictObject({
  path: string()
    .refine((path) => fitsUtf8(path, MAX_CHANGE_PATH_BYTES), {
      error: ({ input }) => tooManyBytes(input, MAX_CHANGE_PATH_BYTES),
      abort: true, // before the pattern: on megabytes its backtracking would overflow the stack
    })
    .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, { error: "is not a JSON Pointer, such as /address/city" }),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

/** A normalised event as a client may send it. Member names are the wire's. */
export const AuditEventInput = z.strictObject({
  event_id: EventId.optional(),
  timestamp: Timestamp.optional().meta({ description: "when it happened; default is received_at" }),
  level: Level.optional(),
  category: Category.optional(),
  action: bytes(MAX_NAME_BYTES),
  service_name: bytes(MAX_NAME_BYTES),
  user_id: bytes(MAX_NAME_BYTES).optional(),
  session_id: bytes(MAX_NAME_BYTES).optional(),
  request_id: bytes(MAX_NAME_BYTES).optional(),
  resource_type: bytes(MAX_NAME_BYTES).optional(),
  resource_id: bytes(MAX_RESOURCE_ID_BYTES).optional(),
  message: characters(MAX_MESSAGE_CHARACTERS).optional(),
  metadata: z
    .custom<Readonly<Record<string, unknown>>>(isPlainObject, { error: "is not a JSON object" })
    .optional()
    .meta({ type: "object", description: "at most 50,000 bytes serialised, at most 32 levels deep" }),
  error_code: bytes(MAX_NAME_BYTES).optional(),
  error_message: characters(MAX_ERROR_MESSAGE_CHARACTERS).optional(),
  stack_trace: characters(MAX_STACK_TRACE_CHARACTERS).optional(),
  duration_ms: z.number({ error: "is not a finite number" }).min(0, { error: "is negative" }).optional(),
  tenant_id: TenantId.optional(),
  source_ip: bytes(MAX_SOURCE_IP_BYTES).optional(),
  user_agent: bytes(MAX_USER_AGENT_BYTES).optional(),
  trace_id: string()
    .regex(/^[0-9a-fA-F]{32}$/, { error: "is not 32 hexadecimal digits" })
    .optional(),
  span_id: string()
    .regex(/^[0-9a-fA-F]{16}$/, { error: "is not 16 hexadecimal digits" })
    .optional(),
  on_behalf_of: z.array(OnBehalfOf).max(MAX_ON_BEHALF_OF, tooMany(MAX_ON_BEHALF_OF)).optional(),
  changes: z.array(Change).max(MAX_CHANGES, tooMany(MAX_CHANGES)).optional(),
});
export type AuditEventInput = z.infer<typeof AuditEventInput>;

/** The same members for an input whose unknown members have been refused already: zod's faster path. */
export const KnownMembers = z.object(AuditEventInput.shape);

/** What a caller of the library may pass: also lower-case enumerations, and null or "" for an absent optional field. */
export type AuditEventDraft = Readonly<{
  [Field in keyof AuditEventInput]?:
    | AuditEventInput[Field]
    | (Field extends "level" | "category" ? string : never)
    | null;
}>;

/** Members of an event that are always there once it is accepted. */
interface FilledMembers {
  readonly event_id: string;
  readonly tenant_id: string;
  readonly timestamp: string;
  readonly level: Level;
  readonly category: Category;
  readonly message: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An event at acceptance, defaults filled in. Absent optional members may be undefined. */
export interface NewEvent extends Readonly<Omit<AuditEventInput, keyof FilledMembers>>, FilledMembers {}

/** An accepted event: what GET answers, less `content_hash`. Absent optional members are absent. */
export interface AuditEvent extends NewEvent {
  readonly received_at: string;
}

/** An event as the service answers it. */
export interface StoredAuditEvent extends AuditEvent {
  /** Lower-case hex SHA-256 of the event's canonical content. */
  readonly content_hash: string;
  /** Ids under which other content sent with the same id is kept. */
  readonly conflicts?: readonly string[];
}

export const EVENT_FIELDS: ReadonlySet<string> = new Set(Object.keys(AuditEventInput.shape));
