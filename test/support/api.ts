// The few requests that tests of whole processes make, by the address of the server.
interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReturnType<typeof JSON.parse>;
}

export async function getJson(url: string, path: string): Promise<Reply> {
  const response = await fetch(new URL(path, url));
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** @param body a value, or JSON text as it is */
export async function postJson(url: string, path: string, body: unknown): Promise<Reply> {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Ids of all events that a query finds, page by page. */
export async function queryIds(
  url: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      limit: "1000",
      ...parameters,
      ...(cursor === null ? {} : { cursor }),
    });
    const { status, body } = await getJson(url, `/events?${query}`);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    for (const { event_id: id } of body.events) ids.push(id);
    cursor = body.next_cursor;
  } while (cursor !== null);
  return ids;
}
