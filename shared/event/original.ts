/**
 * Lines of JSON that hold events already: files of the original service (17 fields, lower-case enumerations, null for
 * absent), exports of this service, and its stored lines. Ids and times are kept. Whatever is changed or left out on
 * the way is named in `notes`; whether an event fits, the service says.
 */
import type { AuditEventDraft } from "#event/audit-event.ts";
import { isPlainObject } from "#lib/canonical-json.ts";

/** What was done to a line beyond reading it. */
export type LineNote = "zone-assumed-utc" | "service-members-dropped" | "internal-members-dropped";

/** Each note as a sentence for a report. */
export const LINE_NOTES: Readonly<Record<LineNote, string>> = {
  "zone-assumed-utc": "time without zone, taken as UTC",
  "service-members-dropped": "content_hash, received_at and conflicts left out: the service sets them anew",
  "internal-members-dropped": "members beginning with _ left out: they belong to the log the line comes from",
};

export interface ConvertedLine {
  /** The event, or the very value where it is no object: the service refuses it with the reason. */
  readonly draft: unknown;
  readonly notes: readonly LineNote[];
}

/** What the service adds to the events that it answers. */
const SERVICE_MEMBERS: ReadonlySet<string> = new Set(["content_hash", "received_at", "conflicts"]);
/** As Python's `isoformat()` writes a time without zone. */
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?$/;

/** @param value one parsed line; foreign input */
export function convertLine(value: unknown): ConvertedLine {
  if (!isPlainObject(value)) return { draft: value, notes: [] };
  const notes = new Set<LineNote>();
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (SERVICE_MEMBERS.has(name)) notes.add("service-members-dropped");
    else if (name.startsWith("_")) notes.add("internal-members-dropped");
    else if (name === "timestamp" && typeof member === "string" && LOCAL_TIME.test(member)) {
      notes.add("zone-assumed-utc");
      kept.push([name, `${member}Z`]);
    } else if (member !== null) kept.push([name, member]);
  }
  // Object.fromEntries defines members, so a member called __proto__ stays one and is refused by name.
  const draft: AuditEventDraft = Object.fromEntries(kept);
  return { draft, notes: [...notes] };
}
