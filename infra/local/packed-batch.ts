/**
 * A prepared batch on its way from one thread to another: columns instead of objects, because copying an object copies
 * the names of its members too. Texts that hold no newline travel as one.
 */
import type { Category, Level } from "#event/audit-event.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import type { BatchResult, PreparedBatch } from "#service/prepare-batch.ts";

export interface PackedBatch {
  /** Of each line, in order and joined by newlines: text, content hash, event id, tenant id, level, category. */
  readonly joined: readonly string[];
  readonly actions: readonly string[];
  readonly services: readonly string[];
  readonly users: readonly (string | undefined)[];
  readonly resources: readonly (string | undefined)[];
  readonly seconds: Float64Array;
  readonly nanos: Float64Array;
  /** Results of events that are not valid. */
  readonly rejected: readonly BatchResult[];
}

export function packBatch({ lines, firstResults }: PreparedBatch): PackedBatch {
  const join = (read: (line: PreparedLine) => string): string => lines.map(read).join("\n");
  return {
    joined: [
      join(({ text }) => text),
      join(({ contentHash }) => contentHash),
      join(({ event }) => event.event_id),
      join(({ event }) => event.tenant_id),
      join(({ event }) => event.level),
      join(({ event }) => event.category),
    ],
    actions: lines.map(({ event }) => event.action),
    services: lines.map(({ event }) => event.service_name),
    users: lines.map(({ event }) => event.user_id),
    resources: lines.map(({ event }) => event.resource_id),
    seconds: Float64Array.from(lines, ({ instant }) => instant.seconds),
    nanos: Float64Array.from(lines, ({ instant }) => instant.nanos),
    rejected: firstResults.filter(({ status }) => status === "rejected"),
  };
}

export function unpackBatch(packed: PackedBatch): PreparedBatch {
  const [texts = [], hashes = [], ids = [], tenants = [], levels = [], categories = []] = packed.joined.map(
    (column) => column.split("\n"),
  );
  const lines = texts.map(
    (text, place): PreparedLine => ({
      text,
      contentHash: hashes[place] ?? "",
      instant: { seconds: packed.seconds[place] ?? 0, nanos: packed.nanos[place] ?? 0 },
      event: {
        event_id: ids[place] ?? "",
        tenant_id: tenants[place] ?? "",
        // cast: the other side has packed the levels and categories of validated events.
        level: levels[place] as Level,
        // cast: as above.
        category: categories[place] as Category,
        action: packed.actions[place] ?? "",
        service_name: packed.services[place] ?? "",
        user_id: packed.users[place],
        resource_id: packed.resources[place],
      },
    }),
  );
  return { lines, firstResults: mergeResults(ids, packed.rejected) };
}

/** Puts the results of the rejected events back between those of the others. */
function mergeResults(ids: readonly string[], rejected: readonly BatchResult[]): BatchResult[] {
  const results: BatchResult[] = [];
  let next = 0;
  for (let index = 0; index < ids.length + rejected.length; index++) {
    const refusal = rejected[index - next];
    if (refusal?.index === index) results.push(refusal);
    else results.push({ index, status: "accepted", event_id: ids[next++] ?? "" });
  }
  return results;
}
