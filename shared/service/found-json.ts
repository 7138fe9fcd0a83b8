/** A stored line as the API answers it. */
import { decodeLine, readEvent } from "#event/stored-line.ts";
import type { FoundLine } from "#service/ports.ts";

/**
 * The event as JSON text: its members, and last the ids of what is in conflict with it, where there are any.
 * Its `event_id` is the one under which it stands: ids are unique in answers, or a reader who takes each id once would
 * drop the event that somebody has pushed aside. The line itself keeps what was sent.
 */
export function foundJson({ text, derivedId, conflicts = [] }: FoundLine): string {
  const { json } = decodeLine(text);
  if (derivedId === undefined && conflicts.length === 0) return json;
  return JSON.stringify({
    ...readEvent(json),
    ...(derivedId !== undefined && { event_id: derivedId }),
    ...(conflicts.length > 0 && { conflicts }),
  });
}
