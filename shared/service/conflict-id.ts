/**
 * The id under which an event is kept whose own id other content holds already. Derived by a key of the deployment, so
 * that nobody can work it out in advance and occupy it; `!` is in no event id that a client may send.
 */
import { createHmac } from "node:crypto";

/**
 * Conflicts noted on the event that came first. Beyond it nobody learns more from another, and an item must stay small:
 * 100 ids are at most 16 KB. The others are stored all the same, and named in the log of the consumer.
 */
export const MAX_NOTED_CONFLICTS = 100;
/** 128 bits: two contents never meet under one derived id. */
const DIGITS = 32;

export interface Conflict {
  /** Secret bytes of the deployment, the same for its whole life. */
  readonly conflictKey: Uint8Array;
  readonly eventId: string;
  /** Content hash of the event that came later, lower-case hex. */
  readonly contentHash: string;
}

/** Whether an id is that of a conflict. */
export function isDerivedId(id: string): boolean {
  return id.includes("!");
}

/** `<event id>!<first 32 hex digits of HMAC-SHA-256(conflict key, content hash as text)>`. */
export function conflictIdOf({ conflictKey, eventId, contentHash }: Conflict): string {
  const digest = createHmac("sha256", conflictKey).update(contentHash, "utf8").digest("hex");
  return `${eventId}!${digest.slice(0, DIGITS)}`;
}
