/**
 * A client in a process of its own: keeps a number of connections busy with POST requests for a time or a number of
 * events, and prints what it saw as one JSON line. Speaks just enough HTTP to cost the machine little.
 */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { batchJson, eventJson } from "#test/bench/events.ts";

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** 1 posts single events, more posts batches. */
  readonly eventsPerRequest: number;
  readonly maxSeconds: number;
  readonly maxEvents: number;
  /** Offers no more than that. @default as many as are taken */
  readonly eventsPerSecond?: number;
}

/** How many events were acknowledged at a time, in milliseconds since 1970. */
export interface Progress {
  readonly atMs: number;
  readonly events: number;
}

export interface LoadResult {
  /** Ten a second. */
  readonly progress: readonly Progress[];
  readonly events: number;
  readonly seconds: number;
  /** Acknowledged events a second. */
  readonly rate: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
}

/** Requests made ahead of time; they are sent again and again, and each sending makes new events. */
const PREPARED = 200;
const PROGRESS_MS = 100;

function prepareRequests({ port, eventsPerRequest }: LoadOptions): Buffer[] {
  return Array.from({ length: PREPARED }, (_, index) => {
    const isSingle = eventsPerRequest === 1;
    const body = isSingle
      ? eventJson(index * eventsPerRequest)
      : batchJson(index * eventsPerRequest, eventsPerRequest);
    const path = isSingle ? "/events" : "/events/batch";
    const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return Buffer.from(head + body);
  });
}

async function run(options: LoadOptions): Promise<LoadResult> {
  const requests = prepareRequests(options);
  const latencies: number[] = [];
  const begun = performance.now();
  const endAt = begun + options.maxSeconds * 1000;
  const eventsPerMs = (options.eventsPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
  let started = 0;
  let acknowledged = 0;
  const progress: Progress[] = [];
  const noteProgress = (): void => {
    progress.push({ atMs: Date.now(), events: acknowledged });
  };
  const timer = setInterval(noteProgress, PROGRESS_MS);

  const worker = (number: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true });
      let received = "";
      let sentAt = 0;
      let turn = number;
      const next = (): void => {
        if (started >= options.maxEvents || performance.now() >= endAt) {
          socket.end();
          resolve();
          return;
        }
        const waitMs = begun + started / eventsPerMs - performance.now();
        if (waitMs >= 1) {
          setTimeout(next, waitMs);
          return;
        }
        started += options.eventsPerRequest;
        sentAt = performance.now();
        socket.write(requests[turn++ % PREPARED] ?? Buffer.alloc(0));
      };
      socket.setEncoding("latin1");
      socket.on("connect", next);
      socket.on("error", reject);
      socket.on("data", (chunk: string) => {
        received += chunk;
        const headEnd = received.indexOf("\r\n\r\n");
        if (headEnd === -1) return;
        const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? "0");
        if (received.length < headEnd + 4 + length) return;
        if (!received.startsWith("HTTP/1.1 202")) {
          reject(new Error(received.slice(0, 400)));
          return;
        }
        latencies.push(performance.now() - sentAt);
        acknowledged += options.eventsPerRequest;
        received = "";
        next();
      });
    });

  await Promise.all(Array.from({ length: options.connections }, (_, index) => worker(index)));
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(timer);
  noteProgress();
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    progress,
    events: acknowledged,
    seconds,
    rate: acknowledged / seconds,
    latencyP50Ms: at(0.5),
    latencyP99Ms: at(0.99),
  };
}

if (import.meta.main) {
  const options: LoadOptions = JSON.parse(process.argv[2] ?? "{}");
  console.log(JSON.stringify(await run(options)));
}
