/** A stored line as the API answers it. */
import { decodeLine } from "#event/stored-line.ts";
import type { FoundLine } from "#service/ports.ts";

/** The event as JSON text: its members, and last the ids of what is in conflict with it, where there are any. */
export function foundJson({ text, conflicts }: FoundLine): string {
  const { json } = decodeLine(text);
  if (conflicts === undefined || conflicts.length === 0) return json;
  return `${json.slice(0, -1)},"conflicts":${JSON.stringify(conflicts)}}`;
}
