/**
 * The opaque cursor: where a page ended, bound to the query it belongs to. It comes back from outside and is
 * attacker-controlled: bounded, canonical, checked member by member. It holds nothing secret, and forging one yields
 * no more than a time filter does, because tenant and filters are hashed in and come from the request.
 */
import { hash } from "node:crypto";
import { MAX_EVENT_ID_CHARACTERS } from "#event/limits.ts";
import { AuditQueryError } from "#lib/errors.ts";
import { compareInstants } from "#lib/instant.ts";
import type { AuditQuery } from "#query/audit-query.ts";
import type { Position } from "#query/plan.ts";
import { FILTER_NAMES } from "#query/plan.ts";
import { planQuery } from "#query/planner.ts";

/** What a cursor belongs to. */
export interface CursorScope {
  readonly tenantId: string;
  readonly query: AuditQuery;
}

/**
 * Version 1, big-endian: version (1 byte), query hash (16), seconds (6), nanoseconds (4), event id (ASCII, the rest).
 * A cursor that says more gets another version; versions that are not known are refused.
 */
const VERSION = 1;
const HASH_BYTES = 16;
const SECONDS_AT = 1 + HASH_BYTES;
const SECONDS_BYTES = 6;
const NANOS_AT = SECONDS_AT + SECONDS_BYTES;
const EVENT_ID_AT = NANOS_AT + 4;
/** Derived ids of conflicts are `<id>!<32 hex digits>`. */
const MAX_ID_CHARACTERS = MAX_EVENT_ID_CHARACTERS + 33;
const MAX_BYTES = EVENT_ID_AT + MAX_ID_CHARACTERS;
const MAX_CHARACTERS = Math.ceil((MAX_BYTES * 4) / 3);
const MAX_NANOS = 999_999_999;

/** @param position the place of an event, within the time bounds of the query */
export function encodeCursor(position: Position, scope: CursorScope): string {
  const bytes = Buffer.alloc(EVENT_ID_AT + position.eventId.length);
  bytes.writeUInt8(VERSION);
  bytes.write(queryHash(scope), 1, "hex");
  bytes.writeUIntBE(position.instant.seconds, SECONDS_AT, SECONDS_BYTES);
  bytes.writeUInt32BE(position.instant.nanos, NANOS_AT);
  bytes.write(position.eventId, EVENT_ID_AT, "latin1");
  return bytes.toString("base64url");
}

/**
 * @param cursor attacker-controlled
 * @throws AuditQueryError `invalid-cursor` where it is none, belongs to another query, or `offset` is given with it
 */
export function decodeCursor(cursor: string, scope: CursorScope): Position {
  if (scope.query.offset > 0) throw invalid("cannot be used together with offset; leave offset out");
  if (cursor.length > MAX_CHARACTERS) throw invalid("is not one that this service has made");
  const bytes = Buffer.from(cursor, "base64url");
  const isCanonical = bytes.toString("base64url") === cursor;
  if (!isCanonical || bytes.length === 0) throw invalid("is not one that this service has made");
  if (bytes[0] !== VERSION) throw invalid("is of another version of this service; begin again without it");
  if (bytes.length <= EVENT_ID_AT) throw invalid("is cut short");
  if (bytes.toString("hex", 1, SECONDS_AT) !== queryHash(scope)) {
    throw invalid(
      "belongs to another query; keep filters, order and tenant as they were, or begin without it",
    );
  }
  const position: Position = {
    instant: {
      seconds: bytes.readUIntBE(SECONDS_AT, SECONDS_BYTES),
      nanos: bytes.readUInt32BE(NANOS_AT),
    },
    eventId: bytes.toString("latin1", EVENT_ID_AT),
  };
  if (!isPlace(position, scope)) throw invalid("names no place that an event can have in this query");
  return position;
}

function invalid(problem: string): AuditQueryError {
  return new AuditQueryError("invalid-cursor", `the cursor ${problem}`, {
    errors: [{ path: "/cursor", message: problem }],
  });
}

function isPlace({ instant, eventId }: Position, { tenantId, query }: CursorScope): boolean {
  if (instant.nanos > MAX_NANOS || !/^[A-Za-z0-9._:!-]+$/.test(eventId)) return false;
  const { from, to } = planQuery(query, { tenantId, after: undefined });
  if (from !== undefined && compareInstants(instant, from) < 0) return false;
  return to === undefined || compareInstants(instant, to) <= 0;
}

/** Over what decides which events come in which order, however it was written; `limit` is not part of it. */
function queryHash({ tenantId, query }: CursorScope): string {
  const { filter, from, to, isDescending } = planQuery(query, { tenantId, after: undefined });
  const filters = FILTER_NAMES.flatMap((name) => {
    const wanted = filter[name];
    if (wanted === undefined) return [];
    return [[name, typeof wanted === "string" ? wanted : wanted.toSorted(byCodeUnits)]];
  });
  const content = JSON.stringify([tenantId, filters, from ?? null, to ?? null, isDescending]);
  return hash("sha256", content).slice(0, HASH_BYTES * 2);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
