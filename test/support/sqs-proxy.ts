// Stands before SQS as the network does: passes calls on, tells a test of each, and forgets answers where it says so.
// Messages that are taken are hidden for two seconds, whatever was asked, so that a test need not wait five minutes.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";

export interface SqsProxy {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** @param onAnswered called with the operation when SQS has done it, before its answer is passed on */
export async function startSqsProxy(
  target: string,
  onAnswered: (operation: string) => void,
): Promise<SqsProxy> {
  const server = createServer((request, response) => {
    const operation = String(request.headers["x-amz-target"] ?? "").replace("AmazonSQS.", "");
    forward(target, request, operation)
      .then(({ status, type, body }) => {
        onAnswered(operation);
        response.writeHead(status, { "content-type": type }).end(body);
      })
      .catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function forward(target: string, request: IncomingMessage, operation: string): Promise<Answer> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  if (operation === "ReceiveMessage") body = body.replace(/"VisibilityTimeout":\d+/, '"VisibilityTimeout":2');
  const { "x-amz-target": name = "", "content-type": type = "" } = request.headers;
  const headers = {
    "x-amz-target": String(name),
    "content-type": type,
    authorization: request.headers.authorization ?? "",
  };
  const answer = await fetch(new URL(request.url ?? "/", target), { method: "POST", headers, body });
  return {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "",
    body: await answer.text(),
  };
}
