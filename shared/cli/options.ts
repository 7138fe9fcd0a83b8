/**
 * Options that several commands share: which log they are about, and the filters of a query. Values are passed on as
 * they are given; the service checks them, and its answer names what does not fit.
 */
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { Target } from "#cli/context.ts";
import type { AuditQueryDraft } from "#query/audit-query.ts";

/** Options of one of our commands as commander hands them over. */
export type Flags = Readonly<Record<string, unknown>>;

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

export function addTargetOptions(command: Command): Command {
  return command
    .option("--url <url>", "address of a running service (default: AUDIT_URL)")
    .option("--file <path>", "live file of an embedded log (default: AUDIT_FILE_PATH)");
}

export function targetOf(flags: Flags): Target {
  return { url: textFlag(flags, "url"), file: textFlag(flags, "file") };
}

/** Flag → member of the query that holds its values. */
const LIST_FLAGS = {
  service: "service_names",
  user: "user_ids",
  level: "levels",
  category: "categories",
  action: "actions",
  resourceType: "resource_types",
  resourceId: "resource_ids",
  request: "request_ids",
  session: "session_ids",
  errorCode: "error_codes",
  trace: "trace_ids",
} as const;

const TEXT_FLAGS = {
  since: "start_time",
  until: "end_time",
  contains: "message_contains",
  tenant: "tenant_id",
} as const;

/** @param nowMs the clock that relative times count from */
export function addFilterOptions(command: Command, nowMs: () => number): Command {
  const since = (text: string): string => parseTime(text, nowMs(), "00:00:00Z");
  const until = (text: string): string => parseTime(text, nowMs(), "23:59:59.999999999Z");
  return command
    .option("--since <time>", "earliest: RFC 3339, a date, or an age such as 15m, 2h, 7d", since)
    .option("--until <time>", "latest, inclusive: as --since", until)
    .option("--service <name>", "service (each filter can be repeated: any of the values)", collect)
    .option("--user <id>", "user", collect)
    .option("--level <level>", "DEBUG, INFO, WARN, ERROR or CRITICAL", collect)
    .option("--category <category>", "such as AUTHENTICATION or DATA_ACCESS", collect)
    .option("--action <name>", "action", collect)
    .option("--resource-type <type>", "resource type", collect)
    .option("--resource-id <id>", "resource", collect)
    .option("--request <id>", "request", collect)
    .option("--session <id>", "session", collect)
    .option("--error-code <code>", "error code", collect)
    .option("--trace <id>", "trace, 32 hexadecimal digits", collect)
    .option("--contains <text>", "part of the message, in any case")
    .option("--tenant <id>", "tenant; only where the key leaves the choice")
    .option("--oldest-first", "in ascending order of time");
}

export function queryOf(flags: Flags): AuditQueryDraft {
  const query: Record<string, unknown> = {};
  for (const [flag, member] of [...Object.entries(LIST_FLAGS), ...Object.entries(TEXT_FLAGS)]) {
    if (flags[flag] !== undefined) query[member] = flags[flag];
  }
  if (flags["oldestFirst"] === true) query["order_desc"] = false;
  return query;
}

/** For an option that can be repeated. */
function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError("It is no whole number above 0.");
  }
  return count;
}

/** An age counts back from now; a date alone is taken as UTC, from its first or to its last moment. */
function parseTime(text: string, nowMs: number, timeOfDay: string): string {
  const age = /^(\d+)([smhdw])$/.exec(text);
  if (age === null) return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T${timeOfDay}` : text;
  const ms = Number(age[1]) * (UNIT_MS[age[2] ?? ""] ?? Number.NaN);
  const at = new Date(Math.max(0, nowMs - ms));
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError("It is no age that a clock can count.");
  return at.toISOString();
}

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

export function numberFlag(flags: Flags, name: string): number | undefined {
  const value = flags[name];
  return typeof value === "number" ? value : undefined;
}
