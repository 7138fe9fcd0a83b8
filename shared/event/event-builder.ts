/**
 * Builds events field by field. Immutable: each method answers a new builder, so a half-filled one can be kept and
 * shared. Each value is checked and copied where it is given, so a mistake shows at its own line of the caller's code
 * and nothing the caller changes afterwards reaches the event.
 */
import type { AuditEventDraft, Category, Level } from "#event/audit-event.ts";
import { AuditEventInput } from "#event/audit-event.ts";
import { MAX_METADATA_BYTES, MAX_VALUE_DEPTH } from "#event/limits.ts";
import { normaliseEnum } from "#event/prepare-event.ts";
import { canonicalJson, jsonProblems } from "#lib/canonical-json.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { toPointer } from "#lib/json-pointer.ts";
import { fitsUtf8, stringProblem } from "#lib/text.ts";

type Field = keyof AuditEventInput;
type Members = { readonly [F in Field]?: AuditEventInput[F] };

/** A draft that names what every event must name. */
export type BuiltEvent = AuditEventDraft & { readonly action: string; readonly service_name: string };

/** A level or category in any case; `WARNING` is `WARN`. */
export type AnyCase<Name extends string> = Name | Lowercase<Name>;

export interface ChangedValue {
  /** The value before; absent where there was none. JSON null is a value. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface BuilderOptions {
  /** `service_name` of events that name none themselves. */
  readonly defaultService?: string | undefined;
}

/**
 * Fluent, immutable builder of one audit event.
 * Every method throws AuditValidationError `validation-failed`, with the field named, where a value is blank or does
 * not fit.
 *
 * @example
 * ```ts
 * import { AuditEventBuilder } from "audit-service";
 *
 * const event = new AuditEventBuilder()
 *   .service("billing")
 *   .action("invoice_paid")
 *   .user("alice")
 *   .resource("invoice", "2026-0042")
 *   .metadata({ amount: "120.00", currency: "EUR" })
 *   .build();
 * console.log(event.action);
 * ```
 */
export class AuditEventBuilder {
  #members: Members = {};
  #defaultService: string | undefined;

  constructor(options: BuilderOptions = {}) {
    const name = options.defaultService;
    this.#defaultService = name === undefined ? undefined : checked("service_name", name);
  }

  /** What happened, such as `user_login`. 1–256 bytes. */
  action(name: string): AuditEventBuilder {
    return this.#with("action", name);
  }

  /** The service that it happened in. 1–256 bytes. */
  service(name: string): AuditEventBuilder {
    return this.#with("service_name", name);
  }

  /** How grave it is; the default is INFO, or ERROR where an error is given. */
  level(level: AnyCase<Level> | "warning" | "WARNING"): AuditEventBuilder {
    return this.#with("level", normaliseEnum(level));
  }

  /** What kind of event it is; the default is SYSTEM_EVENT, or ERROR_EVENT where an error is given. */
  category(category: AnyCase<Category>): AuditEventBuilder {
    return this.#with("category", normaliseEnum(category));
  }

  /** Who did it. ≤ 256 bytes. */
  user(id: string): AuditEventBuilder {
    return this.#with("user_id", id);
  }

  /** The session it was done in. ≤ 256 bytes. */
  session(id: string): AuditEventBuilder {
    return this.#with("session_id", id);
  }

  /** The request it was done by. ≤ 256 bytes. */
  request(id: string): AuditEventBuilder {
    return this.#with("request_id", id);
  }

  /** What it was done to: a type of ≤ 256 bytes, and which one, ≤ 1,024 bytes. */
  resource(type: string, id: string): AuditEventBuilder {
    return this.#with("resource_type", type).#with("resource_id", id);
  }

  /** A sentence for a human. ≤ 10,000 characters. */
  message(text: string): AuditEventBuilder {
    return this.#with("message", text);
  }

  /** Adds members; one that was given before is replaced. JSON values only, ≤ 50,000 bytes and 32 levels in all. */
  metadata(members: Readonly<Record<string, unknown>>): AuditEventBuilder {
    const added = copyJson("metadata", checked("metadata", members));
    const all = { ...this.#members.metadata, ...added };
    const text = canonicalJson(all, MAX_VALUE_DEPTH);
    if (!fitsUtf8(text, MAX_METADATA_BYTES)) {
      throw invalid(
        "/metadata",
        `is ${Buffer.byteLength(text)} bytes serialised; the limit is ${MAX_METADATA_BYTES}`,
      );
    }
    return this.#with("metadata", all);
  }

  /** What went wrong. The event is of level ERROR and category ERROR_EVENT unless these are given, before or later. */
  error(code: string, message: string, stack?: string): AuditEventBuilder {
    const named = this.#with("error_code", code).#with("error_message", message);
    return stack === undefined ? named : named.#with("stack_trace", stack);
  }

  /** How long it took, in milliseconds. */
  duration(ms: number): AuditEventBuilder {
    return this.#with("duration_ms", ms);
  }

  /** When it happened: RFC 3339 with zone, or a Date. The default is when the service takes the event. */
  timestamp(at: string | Date): AuditEventBuilder {
    if (typeof at === "string") return this.#with("timestamp", at);
    if (Number.isNaN(at.getTime())) throw invalid("/timestamp", "is an invalid Date");
    return this.#with("timestamp", at.toISOString());
  }

  /** The idempotency key: an event sent again with the same id and content is stored once. */
  id(eventId: string): AuditEventBuilder {
    return this.#with("event_id", eventId);
  }

  /** The tenant; only where the caller's key leaves the choice. */
  tenant(id: string): AuditEventBuilder {
    return this.#with("tenant_id", id);
  }

  /** Where the audited request came from. ≤ 64 bytes. */
  sourceIp(address: string): AuditEventBuilder {
    return this.#with("source_ip", address);
  }

  /** The user agent of the audited request. ≤ 512 bytes. */
  userAgent(text: string): AuditEventBuilder {
    return this.#with("user_agent", text);
  }

  /** W3C trace context: 32 hexadecimal digits, and 16 for the span. */
  trace(traceId: string, spanId?: string): AuditEventBuilder {
    const traced = this.#with("trace_id", traceId);
    return spanId === undefined ? traced : traced.#with("span_id", spanId);
  }

  /** Adds a link to the chain behind the user: an impersonator, a job, a service account. At most 8. */
  onBehalfOf(type: string, id: string): AuditEventBuilder {
    return this.#with("on_behalf_of", [...(this.#members.on_behalf_of ?? []), { type, id }]);
  }

  /** Adds a value that changed, named by its JSON Pointer, such as `/address/city`. At most 256. */
  change(path: string, values: ChangedValue): AuditEventBuilder {
    const earlier = this.#members.changes ?? [];
    const at = `changes/${earlier.length}`;
    const change = {
      path,
      ...(values.before === undefined ? {} : { before: copyJson(`${at}/before`, values.before) }),
      ...(values.after === undefined ? {} : { after: copyJson(`${at}/after`, values.after) }),
    };
    return this.#with("changes", [...earlier, change]);
  }

  /** The same event, with a `service_name` for the case that none is given. */
  withDefaultService(name: string): AuditEventBuilder {
    return AuditEventBuilder.#from(this.#members, checked("service_name", name));
  }

  /**
   * The event as a plain object, which is the caller's own.
   * @throws AuditValidationError `validation-failed` naming `action` and `service_name` where they are missing
   */
  build(): BuiltEvent {
    const { action, service_name = this.#defaultService } = this.#members;
    if (action === undefined || service_name === undefined) {
      throw missing({ action, service_name });
    }
    const { metadata, changes, on_behalf_of, error_code } = this.#members;
    return {
      ...(error_code === undefined ? {} : { level: "ERROR", category: "ERROR_EVENT" }),
      ...this.#members,
      action,
      service_name,
      ...(metadata === undefined ? {} : { metadata: structuredClone(metadata) }),
      ...(changes === undefined ? {} : { changes: structuredClone(changes) }),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of: structuredClone(on_behalf_of) }),
    };
  }

  #with(field: Field, value: unknown): AuditEventBuilder {
    return AuditEventBuilder.#from(
      { ...this.#members, [field]: checked(field, value) },
      this.#defaultService,
    );
  }

  /** Writes both members before anyone else holds the builder. */
  static #from(members: Members, defaultService: string | undefined): AuditEventBuilder {
    const builder = new AuditEventBuilder();
    builder.#members = members;
    builder.#defaultService = defaultService;
    return builder;
  }
}

/** `value` where it fits the event's `field`; a string of spaces does not, wherever it stands. */
function checked<Value>(field: Field, value: Value): Value {
  if (typeof value === "string") {
    if (value.trim() === "") throw invalid(`/${field}`, "is blank");
    const problem = stringProblem(value);
    if (problem !== undefined) throw invalid(`/${field}`, problem);
  }
  const parsed = AuditEventInput.shape[field].safeParse(value);
  if (parsed.success && value !== undefined) return value;
  const issue = parsed.error?.issues[0];
  throw invalid(`/${field}${toPointer(issue?.path ?? [])}`, issue?.message ?? "is missing");
}

/** A deep copy of what JSON can carry; anything else is refused by path. */
function copyJson<Value>(path: string, value: Value): Value {
  const problem = jsonProblems(value, { path: `/${path}`, maxDepth: MAX_VALUE_DEPTH, maxProblems: 1 })[0];
  if (problem !== undefined) throw invalid(problem.path, problem.message);
  return structuredClone(value);
}

function invalid(path: string, message: string): AuditValidationError {
  return new AuditValidationError("validation-failed", `${path.slice(1)} ${message}`, {
    errors: [{ path, message }],
  });
}

function missing(required: Readonly<Record<string, unknown>>): AuditValidationError {
  const fields = Object.entries(required).flatMap(([field, value]) => (value === undefined ? [field] : []));
  const errors = fields.map((field) => ({ path: `/${field}`, message: "is missing" }));
  const message = `the event names no ${fields.join(" and no ")}`;
  return new AuditValidationError("validation-failed", message, { errors });
}
