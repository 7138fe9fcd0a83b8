// Signed requests: the signature is the one that AWS computes (Signature Version 4), worked out here anew.
import { createHmac, hash } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished, expect, it } from "vitest";
import { createSignedRequest } from "#adapters/aws/aws-parts-request.ts";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token" };
const REGION = "eu-west-1";

it("signs what it sends, body and session included", async () => {
  const { url, received } = await listen();
  const request = createSignedRequest({ service: "sqs", region: REGION, credentials: CREDENTIALS });

  const answer = await request({
    method: "POST",
    url,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: '{"a":1}',
  });

  const [{ incoming, body }] = received as [Received];
  expect(answer).toMatchObject({ status: 200, body: Buffer.from("seen") });
  expect(body).toBe('{"a":1}');
  expect(incoming.headers["x-amz-security-token"]).toBe("token");
  expect(incoming.headers.authorization).toBe(authorizationOf(incoming, body));
});

it("signs paths and queries as they are sent", async () => {
  const { url, received } = await listen();
  const request = createSignedRequest({ service: "sqs", region: REGION, credentials: CREDENTIALS });
  const target = new URL("/dt%3D2026-03-01/a%20%28b%29?prefix=manifests%2F&list-type=2", url);

  await request({ method: "GET", url: target });

  const [{ incoming, body }] = received as [Received];
  expect(incoming.url).toBe("/dt%3D2026-03-01/a%20%28b%29?prefix=manifests%2F&list-type=2");
  expect(incoming.headers.authorization).toBe(authorizationOf(incoming, body));
});

it("uses a connection again where it may", async () => {
  const sockets = new Set<unknown>();
  const server = createServer((incoming, response) => {
    sockets.add(incoming.socket);
    response.end("seen");
  });
  const url = await urlOf(server);
  const options = { service: "s3", region: REGION, credentials: CREDENTIALS };
  const request = createSignedRequest({ ...options, keepsConnections: true });

  for (let times = 0; times < 3; times++) await request({ method: "GET", url });

  expect(sockets.size).toBe(1);
});

it("gives up on an answer that does not come in time", async () => {
  const url = await urlOf(createServer((_, response) => response.flushHeaders()));
  const options = { service: "s3", region: REGION, credentials: CREDENTIALS };

  const asking = createSignedRequest({ ...options, timeoutMs: 20 })({ method: "GET", url });

  await expect(asking).rejects.toThrow(/abort/);
});

it("rejects where nobody answers", async () => {
  const request = createSignedRequest({ service: "s3", region: REGION, credentials: CREDENTIALS });

  await expect(request({ method: "HEAD", url: new URL("http://127.0.0.1:9/") })).rejects.toThrow(
    "ECONNREFUSED",
  );
});

it("asks anew where the connection of an earlier request was closed meanwhile, as behind a frozen function", async () => {
  const sockets = new Set<unknown>();
  const server = createServer((incoming, response) => {
    if (sockets.has(incoming.socket)) incoming.socket.destroy();
    else response.end("seen");
    sockets.add(incoming.socket);
  });
  const url = await urlOf(server);
  const request = createSignedRequest({ service: "s3", region: REGION, credentials: CREDENTIALS });

  await request({ method: "POST", url });
  await new Promise(setImmediate); // the connection is put back
  const again = await request({ method: "POST", url });

  expect(again.status).toBe(200);
});

interface Received {
  readonly incoming: IncomingMessage;
  readonly body: string;
}

async function listen(): Promise<{ readonly url: URL; readonly received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      body += chunk;
    });
    incoming.on("end", () => {
      received.push({ incoming, body });
      response.end("seen");
    });
  });
  return { url: await urlOf(server), received };
}

async function urlOf(server: Server): Promise<URL> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new URL(`http://127.0.0.1:${port}/path`);
}

/** Signature Version 4, as the AWS General Reference has it. */
function authorizationOf({ method, url, headers }: IncomingMessage, body: string): string {
  const date = String(headers["x-amz-date"]);
  const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  const lines = names.split(";").map((name) => `${name}:${String(headers[name])}\n`);
  const [path, query = ""] = (url ?? "").split("?");
  const sorted = query.split("&").sort().join("&");
  const canonical = [method, path, sorted, lines.join(""), names, hash("sha256", body)].join("\n");
  const scope = `${date.slice(0, 8)}/${REGION}/sqs/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, hash("sha256", canonical)].join("\n");
  const key = scope
    .split("/")
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${CREDENTIALS.secretAccessKey}`);
  const signature = hmac(key, toSign).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
