// What a service answers, gathered over all pages, without what differs between two services that were sent the same:
// when each received an event, and where its pages end.
import type { LocalServer } from "#infra/local/server.ts";
import type { Json } from "#test/support/http-service.ts";
import { ask, followLinks } from "#test/support/http-service.ts";

export type Query = Readonly<Record<string, unknown>>;

/** The events of all pages of a query, each as JSON text. */
export async function wholeAnswer(service: LocalServer, query: Query): Promise<readonly string[]> {
  const events: string[] = [];
  let cursor: unknown;
  do {
    const body = cursor === undefined ? query : { ...query, cursor };
    const { status, json, text } = await ask(service, "/events/query", postOf(body));
    if (status !== 200) throw new Error(`${status} ${text}`);
    events.push(...json.events.map(comparable));
    cursor = json.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return events;
}

/** How many events match, by `total_count`. */
export async function countOf(service: LocalServer, query: Query): Promise<unknown> {
  const body = { ...query, limit: 1, include_total: true };
  return (await ask(service, "/events/query", postOf(body))).json.total_count;
}

/** One event by its id, as JSON text. */
export async function eventById(service: LocalServer, id: string): Promise<string> {
  return comparable((await ask(service, `/events/${encodeURIComponent(id)}`)).json);
}

/** All chunks of an export joined; times with milliseconds, which `received_at` is, are all the same. */
export async function wholeExport(service: LocalServer, format: "jsonl" | "csv"): Promise<string> {
  const chunks = await followLinks(service, `/events/export?format=${format}`);
  const text = chunks.map((chunk) => chunk.text).join("");
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>");
}

function comparable(event: Json): string {
  return JSON.stringify({ ...event, received_at: undefined });
}

function postOf(body: object): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
