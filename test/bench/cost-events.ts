/**
 * The events whose cost is measured: 700 bytes of JSON each, with values that do not repeat more than real ones do, so that
 * they compress no better. A seed decides them; CloudTrail records come from files beside them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cloudTrailRecords, convertCloudTrail } from "#event/cloudtrail.ts";
import type { Random } from "#test/support/seeded-random.ts";
import { below, seededRandom } from "#test/support/seeded-random.ts";

const EVENT_BYTES = 700;
/** So few that each has a full page of events. */
const USERS = 20;
const RESOURCES = 20;
const SERVICES = ["billing", "checkout", "identity", "documents", "warehouse", "support"];
const ACTIONS = [
  "invoice_paid",
  "file_read",
  "user_login",
  "order_updated",
  "role_granted",
  "report_created",
];
const CATEGORIES = ["DATA_ACCESS", "DATA_MODIFICATION", "AUTHENTICATION", "USER_ACTION"];
const WORDS =
  "the of account changed by request from office after review with second factor and approval".split(" ");
/** One event in so many is an error, hence notable. */
const ERROR_EVERY = 100;

/** `full`: each event has user and resource. `mixed`: 60 % have both, 30 % one of them, 10 % neither. */
export type Mix = "full" | "mixed";

/** JSON texts of exactly 700 bytes. */
export function eventTexts(mix: Mix, count: number, tenant: string): readonly string[] {
  const random = seededRandom(mix.length);
  return Array.from({ length: count }, (_, n) => eventText(n, subjectsOf(mix, n), { random, tenant }));
}

interface Subjects {
  readonly hasUser: boolean;
  readonly hasResource: boolean;
}

function subjectsOf(mix: Mix, n: number): Subjects {
  const share = mix === "full" ? 0 : n % 10;
  return { hasUser: share < 7 || share === 8, hasResource: share < 6 || share === 7 };
}

function eventText(
  n: number,
  { hasUser, hasResource }: Subjects,
  { random, tenant }: { readonly random: Random; readonly tenant: string },
): string {
  const event = {
    action: pick(random, ACTIONS),
    service_name: pick(random, SERVICES),
    tenant_id: tenant,
    ...(hasUser && { user_id: `user-${below(random, USERS)}@example.com` }),
    session_id: hex(random, 32),
    request_id: hex(random, 32),
    trace_id: hex(random, 32),
    level: n % ERROR_EVERY === 0 ? "ERROR" : "INFO",
    category: pick(random, CATEGORIES),
    ...(hasResource && { resource_type: "document", resource_id: `document-${below(random, RESOURCES)}` }),
    message: "",
    metadata: { amount_cents: below(random, 1_000_000), region: "eu-west-1", build: hex(random, 12) },
    duration_ms: below(random, 100_000) / 100,
    source_ip: `10.${below(random, 256)}.${below(random, 256)}.${below(random, 256)}`,
    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  };
  const rest = EVENT_BYTES - JSON.stringify(event).length;
  let message = "";
  while (message.length < rest) message += `${pick(random, WORDS)} `;
  return JSON.stringify({ ...event, message: message.slice(0, rest) });
}

/** Drafts of all records in a folder of CloudTrail files, as `auditlog import` makes them; none where it is missing. */
export function cloudTrailTexts(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => cloudTrailRecords(JSON.parse(readFileSync(join(folder, name), "utf8"))) ?? [])
    .map(convertCloudTrail)
    .flatMap((conversion) => (conversion.kind === "converted" ? [JSON.stringify(conversion.draft)] : []));
}

function pick<Value>(random: Random, values: readonly [Value, ...Value[]] | readonly Value[]): Value {
  const value = values[below(random, values.length)];
  if (value === undefined) throw new RangeError("there is nothing to choose from");
  return value;
}

function hex(random: Random, digits: number): string {
  let text = "";
  while (text.length < digits)
    text += below(random, 16 ** 6)
      .toString(16)
      .padStart(6, "0");
  return text.slice(0, digits);
}
