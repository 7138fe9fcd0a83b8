/**
 * Counts what AWS would bill, at the wire: proxies in front of the stand-ins for DynamoDB, SQS, S3 and KMS, through which the
 * functions speak to them. Nothing of the service knows that it is counted.
 */
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { createServer, request as forward } from "node:http";
import type { Endpoints } from "#infra/emulated/config.ts";
import { chunksOf } from "#event/message.ts";

/** Numbers by name, such as `SendMessage.chunks`. */
export type Counts = ReadonlyMap<string, number>;

export interface Meter {
  /** Addresses of the proxies. */
  readonly endpoints: Endpoints;
  /** Reads and resets. */
  readonly take: () => Counts;
  readonly stop: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a call counts as; may change the request before it is sent on. */
interface Inspector {
  readonly prepare?: (call: Call) => Call;
  readonly count: (call: Call, answer: Answer) => Readonly<Record<string, number>>;
}

export async function startMeter(targets: Endpoints): Promise<Meter> {
  let counts = new Map<string, number>();
  const add = (numbers: Readonly<Record<string, number>>): void => {
    for (const [name, value] of Object.entries(numbers)) counts.set(name, (counts.get(name) ?? 0) + value);
  };
  const proxies = await Promise.all([
    startProxy(targets.dynamodb, DYNAMODB, add),
    startProxy(targets.sqs, SQS, add),
    startProxy(targets.s3, S3, add),
    startProxy(targets.kms, KMS, add),
  ]);
  const [dynamodb, sqs, s3, kms] = proxies;
  return {
    endpoints: { ...targets, dynamodb: dynamodb.url, sqs: sqs.url, s3: s3.url, kms: kms.url },
    take: () => {
      const taken = counts;
      counts = new Map();
      return taken;
    },
    stop: async () => {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  };
}

interface Capacity {
  readonly TableName?: string;
  readonly CapacityUnits?: number;
}

/** Write units of a transaction are twice those of its writes (DynamoDB developer guide, "transactions"). */
const TRANSACTION_FACTOR = 2;

/** Asks every call what it consumed. Of PartiQL DynamoDB Local says nothing, and of transactions half. */
const DYNAMODB: Inspector = {
  prepare: (call) => {
    const body = { ...parse(call.body), ReturnConsumedCapacity: "TOTAL" };
    return { ...call, body: Buffer.from(JSON.stringify(body)) };
  },
  count: (call, { body }) => {
    const operation = operationOf(call);
    const kind = /^(Get|Query|BatchGet)/.test(operation) ? "read" : "write";
    // cast: the API's answer
    const { ConsumedCapacity: consumed } = parse(body) as {
      readonly ConsumedCapacity?: Capacity | Capacity[];
    };
    const numbers: Record<string, number> = { [`${operation}.calls`]: 1 };
    const factor = operation === "TransactWriteItems" ? TRANSACTION_FACTOR : 1;
    for (const { TableName = "", CapacityUnits = 0 } of [consumed ?? []].flat())
      numbers[`${kind}:${TableName}`] = (numbers[`${kind}:${TableName}`] ?? 0) + CapacityUnits * factor;
    return numbers;
  },
};

/** A call is billed once per 64 KB of the messages that it carries. */
const SQS: Inspector = {
  count: (call, { body }) => {
    const operation = operationOf(call);
    // cast: the API's request and answer
    const { MessageBody: sent = "" } = parse(call.body) as { readonly MessageBody?: string };
    const { Messages: received = [] } = parse(body) as { readonly Messages?: readonly { Body: string }[] };
    const chunks = chunksOf(sent + received.map(({ Body }) => Body).join(""));
    return { [`${operation}.calls`]: 1, [`${operation}.chunks`]: Math.max(1, chunks) };
  },
};

const S3: Inspector = {
  count: ({ method, url, body }, { status }) => ({
    [`S3${url.includes("list-type=") ? "LIST" : method}.calls`]: 1,
    ...(method === "PUT" && status === 200 && { "S3PUT.bytes": body.length }),
  }),
};

const KMS: Inspector = { count: (call) => ({ [`${operationOf(call)}.calls`]: 1 }) };

function operationOf({ headers }: Call): string {
  return String(headers["x-amz-target"]).split(".")[1] ?? "";
}

function parse(body: Buffer): object {
  const value: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
  return typeof value === "object" && value !== null ? value : {};
}

async function startProxy(
  target: string,
  { prepare = (call) => call, count }: Inspector,
  add: (numbers: Readonly<Record<string, number>>) => void,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = createServer((incoming, response) => {
    const { method = "GET", url = "/", headers } = incoming;
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const call = prepare({ method, url, headers, body: Buffer.concat(chunks) });
      sendOn(target, call).then(
        (answer) => {
          add(count(call, answer));
          response.writeHead(answer.status, answer.headers).end(answer.body);
        },
        () => response.destroy(),
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function sendOn(target: string, { method, url, headers, body }: Call): Promise<Answer> {
  const { expect: _expect, "transfer-encoding": _encoding, ...kept } = headers;
  const outgoing = forward(new URL(url, target), {
    method,
    headers: { ...kept, "content-length": body.length },
  });
  outgoing.end(body);
  const [incoming] = await once(outgoing, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return { status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks) };
}
