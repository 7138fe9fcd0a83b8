// A real HTTP server on a free port that answers as a test tells it to and remembers what it was sent.
import { once } from "node:events";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** After gunzip. */
  readonly body: string;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
}

export type Script = (request: SeenRequest, response: ServerResponse, nth: number) => void;

export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
      const entry = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: body.toString("utf8"),
      };
      seen.push(entry);
      script(entry, response, seen.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type });
  response.end(JSON.stringify(value));
}

/** Accepts every event of a batch, as the service does. */
export function acceptBatch({ body }: SeenRequest, response: ServerResponse): void {
  const { events } = JSON.parse(body) as { events: { event_id: string }[] };
  const ids = events.map(({ event_id }) => event_id);
  response.setHeader("audit-duplicates", "0");
  answerJson(response, 202, {
    events_logged: ids.length,
    event_ids: ids,
    results: ids.map((event_id, index) => ({ index, status: "accepted", event_id })),
  });
}
