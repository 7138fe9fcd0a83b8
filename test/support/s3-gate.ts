// Stands before S3 as the network does, and stops one call on its way: whoever made it waits, as if it were frozen there.
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as send } from "node:http";

export interface S3Gate {
  readonly url: string;
  /** From now on the first call whose line, such as `PUT /bucket/key`, matches is held and never answered. */
  readonly hold: (line: RegExp) => { readonly reached: Promise<undefined> };
  readonly close: () => Promise<void>;
}

export async function startS3Gate(target: string): Promise<S3Gate> {
  const held: { line: RegExp; readonly reach: () => void }[] = [];
  const server = createServer((request, response) => {
    const line = `${request.method ?? ""} ${request.url ?? ""}`;
    const at = held.findIndex((one) => one.line.test(line));
    if (at < 0) forward(target, request, response);
    else held.splice(at, 1)[0]?.reach();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return {
    url: `http://127.0.0.1:${address.port}`,
    hold: (line) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      held.push({ line, reach: () => resolve(undefined) });
      return { reached: promise };
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function forward(target: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers } = incoming;
  const outgoing = send(new URL(incoming.url ?? "/", target), { method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  incoming.pipe(outgoing);
}
