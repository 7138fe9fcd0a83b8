/**
 * Facets: what an index entry says of its event beside time and id, in 18 bytes: hashes of service and action (8 bytes
 * each), level, category (1 each). They refute most filters without reading the line.
 */
import { hash } from "node:crypto";
import type { Category, Level } from "#event/audit-event.ts";
import type { LineMembers } from "#event/prepare-event.ts";
import type { EventFilter } from "#query/plan.ts";

const HASH_BYTES = 8;
const LEVEL_AT = 2 * HASH_BYTES;
const CATEGORY_AT = LEVEL_AT + 1;
const FACET_BYTES = CATEGORY_AT + 1;

/** Stored codes: never changed, only added to. */
const LEVEL_CODES: Readonly<Record<Level, number>> = { DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, CRITICAL: 5 };
const CATEGORY_CODES: Readonly<Record<Category, number>> = {
  AUTHENTICATION: 1,
  AUTHORIZATION: 2,
  DATA_ACCESS: 3,
  DATA_MODIFICATION: 4,
  SYSTEM_EVENT: 5,
  USER_ACTION: 6,
  API_REQUEST: 7,
  ERROR_EVENT: 8,
  PERFORMANCE: 9,
  SECURITY: 10,
};

/** Filters that facets answer: exactly for level and category, by 64 bits of SHA-256 for service and action. */
const FACET_FILTERS: ReadonlySet<keyof EventFilter> = new Set<keyof EventFilter>([
  "service_names",
  "actions",
  "levels",
  "categories",
]);

export function facetsOf({ service_name, action, level, category }: LineMembers): Uint8Array {
  return Buffer.concat([
    shortHash(service_name),
    shortHash(action),
    Uint8Array.of(LEVEL_CODES[level], CATEGORY_CODES[category]),
  ]);
}

/** Whether an event with these facets can match; they are undefined or of another length where a newer version wrote them. */
export type FacetTest = (facets: Uint8Array | undefined) => boolean;

export function compileFacetTest(filter: EventFilter): FacetTest {
  const services = hashesOf(filter.service_names);
  const actions = hashesOf(filter.actions);
  const levels = filter.levels && new Set(filter.levels.map((level) => LEVEL_CODES[level]));
  const categories =
    filter.categories && new Set(filter.categories.map((category) => CATEGORY_CODES[category]));
  return (facets) => {
    if (facets?.length !== FACET_BYTES) return true;
    if (levels?.has(facets[LEVEL_AT] ?? 0) === false) return false;
    if (categories?.has(facets[CATEGORY_AT] ?? 0) === false) return false;
    return isAmong(services, facets, 0) && isAmong(actions, facets, HASH_BYTES);
  };
}

/** Whether facets narrow a filter. */
export function hasFacetFilter(filter: EventFilter): boolean {
  return [...FACET_FILTERS].some((name) => filter[name] !== undefined);
}

/** Filters that only the line can answer. */
export function filtersLeft(residual: readonly (keyof EventFilter)[]): readonly (keyof EventFilter)[] {
  return residual.filter((name) => !FACET_FILTERS.has(name));
}

function hashesOf(values: readonly string[] | undefined): readonly Buffer[] | undefined {
  return values?.map(shortHash);
}

function isAmong(hashes: readonly Buffer[] | undefined, facets: Uint8Array, at: number): boolean {
  if (hashes === undefined) return true;
  const own = facets.subarray(at, at + HASH_BYTES);
  return hashes.some((wanted) => Buffer.compare(wanted, own) === 0);
}

function shortHash(value: string): Buffer {
  return hash("sha256", value, "buffer").subarray(0, HASH_BYTES);
}
