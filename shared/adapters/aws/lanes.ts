/**
 * Lanes: the partitions over which a tenant's timeline is spread, because one partition takes 1,000 writes a second.
 * lane = (H(service) + H(event id) mod spread) mod lanes, so a service's events are in `spread` lanes; what is notable
 * has a lane of its own, so that errors are found without reading everything else. Pure.
 */
import { hash } from "node:crypto";
import type { LineMembers } from "#event/prepare-event.ts";
import type { AccessPath, EventFilter } from "#query/plan.ts";

/** One setting of the lanes. Epochs are only appended, and nothing that was written moves. */
export interface LaneEpoch {
  /** From 0, one more than the epoch before. */
  readonly number: number;
  /** Lanes of each tenant beside the notable one, 1–64. */
  readonly lanes: number;
  /** Lanes that one service's events take, 1–`lanes`. */
  readonly spread: number;
  /** Milliseconds since 1970 from which writers use it. */
  readonly activeFromMs: number;
}

/** More lanes than any tenant needs: 64,000 writes a second; each is a partition that every page has to ask. */
export const MAX_LANES = 64;

/** In force before anything is published. */
export const FIRST_EPOCH: LaneEpoch = { number: 0, lanes: 4, spread: 1, activeFromMs: 0 };

/** Events of level ERROR or CRITICAL or of category SECURITY. */
const NOTABLE_LANE = "n";

/** What of an event decides its lane. */
type LaneMembers = Pick<LineMembers, "service_name" | "level" | "category">;

/** The epoch that writers use: the newest that is active. */
export function writingEpoch(epochs: readonly LaneEpoch[], nowMs: number): LaneEpoch {
  return epochs.findLast(({ activeFromMs }) => activeFromMs <= nowMs) ?? FIRST_EPOCH;
}

/** @param eventId the id under which the event is stored */
export function laneOf(event: LaneMembers, eventId: string, { lanes, spread }: LaneEpoch): string {
  if (isNotable(event)) return NOTABLE_LANE;
  const offset = spread === 1 ? 0 : hash32(eventId) % spread;
  return String((hash32(event.service_name) + offset) % lanes);
}

/**
 * Lanes in which events of a plan can be, whichever of the epochs wrote them.
 * @param access the path; user and resource have indexes of their own and no lanes
 */
export function lanesToRead(
  { access, filter }: { readonly access: AccessPath; readonly filter: EventFilter },
  epochs: readonly LaneEpoch[],
): readonly string[] {
  const { levels, categories } = filter;
  const areLevelsNotable = levels?.every((level) => isNotableLevel(level)) ?? false;
  const areCategoriesNotable = categories?.every((category) => category === "SECURITY") ?? false;
  if (areLevelsNotable || areCategoriesNotable) return [NOTABLE_LANE];

  const hasNotableLevel = levels?.some((level) => isNotableLevel(level)) ?? true;
  const hasNotableCategory = categories?.includes("SECURITY") ?? true;
  const found = new Set<string>(hasNotableLevel || hasNotableCategory ? [NOTABLE_LANE] : []);
  for (const { lanes, spread } of epochs) {
    const firsts = access.kind === "service" ? access.values.map((value) => hash32(value)) : [0];
    const width = access.kind === "service" ? spread : lanes;
    for (const first of firsts) {
      for (let offset = 0; offset < width; offset++) found.add(String((first + offset) % lanes));
    }
  }
  return [...found];
}

function isNotable({ level, category }: LaneMembers): boolean {
  return isNotableLevel(level) || category === "SECURITY";
}

function isNotableLevel(level: string): boolean {
  return level === "ERROR" || level === "CRITICAL";
}

/** The first 32 bits of SHA-256: where data lies depends on it, so it never changes. */
function hash32(text: string): number {
  return hash("sha256", text, "buffer").readUInt32BE(0);
}
