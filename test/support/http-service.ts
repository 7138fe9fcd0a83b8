// The service over real HTTP on a free port of loopback, and ways to talk to it: whole requests, and raw bytes on a
// socket for what no HTTP client would send. Every service ends with its test. In the project "emulated" it is the AWS
// deployment on stand-ins, in all others the server of one machine.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { inject, it, onTestFinished } from "vitest";
import { createTelemetry } from "#functions/telemetry.ts";
import { startSealing } from "#infra/local/sealing.ts";
import type { LocalServer, ServerOptions } from "#infra/local/server.ts";
import { startServer } from "#infra/local/server.ts";
import type { StackOptions } from "#test/support/emulated.ts";
import { newFolder } from "#test/support/folders.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { testLog } from "#test/support/stores.ts";

export interface TestService extends LocalServer {
  /** Lines of telemetry, parsed. */
  readonly telemetry: Record<string, unknown>[];
  /** Resolves when everything accepted is stored; on one machine it is so at once. */
  readonly settle: () => Promise<void>;
}

type Postable = LocalServer & Partial<Pick<TestService, "settle">>;

const TARGET = inject("target");
/** For tests of what the server of one machine does, or of a store that the test makes. */
export const itLocally = TARGET === "local" ? it : it.skip;
/** For what a store that answers at once says: 409, duplicates, the event as first stored. */
export const itKnowingAtOnce = TARGET === "local" ? it : it.skip;
/** For what is found out when a queued event is stored. */
export const itKnowingLater = TARGET === "emulated" ? it : it.skip;

/** What the header `audit-duplicates` says of so many: nothing where it cannot be known. */
export function duplicatesSaid(count: number): string | null {
  return TARGET === "local" ? String(count) : null;
}

/** What health says of a sound store with so many events: DynamoDB counts none, since that would read them all. */
export function soundStorage(events: number): Json {
  return TARGET === "local" ? { status: "healthy", events } : { status: "healthy", type: "dynamodb" };
}

/** The first number is what one machine reads, the second what the deployment does. */
export function readsOf(local: number, deployed: number): number {
  return TARGET === "local" ? local : deployed;
}

/** @param options for the server of one machine only; tests that need them are marked `itLocally` */
export async function startService(options?: Partial<ServerOptions>): Promise<TestService> {
  if (TARGET === "local") return startLocally(options);
  if (options !== undefined) throw new Error("the deployment takes no options; mark the test with itLocally");
  return startEmulated();
}

async function startEmulated(options: StackOptions = {}): Promise<TestService> {
  const { emulatedStack } = await import("#test/support/emulated.ts");
  return { ...(await emulatedStack(options)), telemetry: [] };
}

/** With files on one machine, which is what `npm start` has. */
export async function startFileService(): Promise<TestService> {
  return startService(TARGET === "local" ? { store: await testLog(await newFolder()) } : undefined);
}

/** A service that seals what it takes, as soon as it can. */
export async function startSealingService(): Promise<TestService> {
  if (TARGET !== "local") return startEmulated({ isSealing: true });
  const store = await testLog(await newFolder());
  const onTrouble = (problem: string): void => {
    throw new Error(problem);
  };
  const sealing = startSealing({ store, intervalMs: 20, origin: undefined, witnesses: [], onTrouble });
  onTestFinished(() => sealing.stop());
  return startService({ store, log: sealing.log });
}

async function startLocally(options: Partial<ServerOptions> = {}): Promise<TestService> {
  const lines: Record<string, unknown>[] = [];
  const telemetry = createTelemetry({
    level: "debug",
    nowMs: Date.now,
    write: (line) => lines.push(JSON.parse(line)),
  });
  const server = await startServer({ store: new MemoryStore(), telemetry, ...options });
  onTestFinished(() => server.stop(0));
  return { ...server, telemetry: lines, settle: async () => undefined };
}

/** What tests reach into: any JSON at all. */
export type Json = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body where it is JSON. */
  readonly json: Json;
}

export async function ask(service: LocalServer, path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(new URL(path, service.url), init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
}

/** The answers of a page and of all that its links lead to. */
export async function followLinks(service: LocalServer, path: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const answer: Answer = await ask(service, next);
    answers.push(answer);
    next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return answers;
}

/** POST of a value, or of text as it is; what was accepted is stored when it resolves. */
export async function post(
  service: Postable,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await ask(service, path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
  if ([202, 207].includes(answer.status)) await service.settle?.();
  return answer;
}

export const LOGIN = {
  action: "user_login",
  service_name: "auth",
  timestamp: "2026-03-01T12:00:00Z",
} as const;

/** Whether the service takes an event and finds it again: what must hold after any bad input. */
export async function stillWorks(service: Postable): Promise<boolean> {
  const taken = await post(service, "/events", LOGIN);
  const found = await ask(service, taken.headers.get("location") ?? "/");
  return taken.status === 202 && found.status === 200 && found.text === taken.text;
}

export interface RawAnswer extends Answer {
  readonly statusText: string;
}

/** A socket on which a test sends what it likes. */
export class RawClient {
  readonly socket: Socket;
  private received = Buffer.alloc(0);
  private isClosed = false;
  private wake = (): void => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    const close = (): void => {
      this.isClosed = true;
      this.wake();
    };
    this.socket.on("end", close).on("close", close).on("error", close);
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  send(data: string | Uint8Array): this {
    this.socket.write(data);
    return this;
  }

  /** The next answer on this connection; fails where the connection ends before it. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const answer = this.take();
      if (answer !== undefined) return answer;
      if (this.isClosed)
        throw new Error(`the connection ended after ${JSON.stringify(this.received.toString())}`);
      await this.change();
    }
  }

  /** The next answer where it has no body whatever its content-length says, as to HEAD. */
  async headAlone(): Promise<string> {
    for (;;) {
      const end = this.received.indexOf("\r\n\r\n") + 4;
      if (end > 3) {
        const text = this.received.subarray(0, end).toString("latin1");
        this.received = this.received.subarray(end);
        return text;
      }
      if (this.isClosed) throw new Error("the connection ended");
      await this.change();
    }
  }

  /** Resolves when the server has ended the connection; answers what it sent that was not taken. */
  async closed(): Promise<string> {
    while (!this.isClosed) await this.change();
    return this.received.toString();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private take(): RawAnswer | undefined {
    const headEnd = this.received.indexOf("\r\n\r\n");
    if (headEnd === -1) return undefined;
    const [first = "", ...lines] = this.received.subarray(0, headEnd).toString("latin1").split("\r\n");
    const headers = new Headers();
    for (const line of lines)
      headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
    const [, code = "0", statusText = ""] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(first) ?? [];
    const length = code === "100" ? 0 : Number(headers.get("content-length") ?? 0);
    const end = headEnd + 4 + length;
    if (this.received.length < end) return undefined;
    const text = this.received.subarray(headEnd + 4, end).toString();
    this.received = this.received.subarray(end);
    return { status: Number(code), statusText, headers, text, json: jsonOf(text) };
  }
}

/** Head of a request with the headers that every honest one has. */
export function head(requestLine: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const all = { host: "localhost", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${requestLine} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

export function jsonPost(path: string, body: string): string {
  return (
    head(`POST ${path}`, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) +
    body
  );
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the test looks at the text
  }
}
