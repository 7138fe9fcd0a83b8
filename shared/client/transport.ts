/**
 * One HTTP exchange with the service: a deadline for each try, and more tries with growing, jittered pauses where the
 * service is busy or out of reach. Every request of this client is safe to repeat, because events carry their ids.
 */
import { setTimeout as pause } from "node:timers/promises";
import { errorFromResponse } from "#client/problem.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface TransportOptions {
  /** Base address of the service, http or https, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string | undefined;
  /** Deadline of each try, in milliseconds. */
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly maxRetries: number;
  /** First pause in milliseconds; each further one is twice as long, up to 5 s, and a random half shorter. */
  readonly retryDelayMs: number;
}

export interface HttpCall {
  readonly method: "GET" | "POST";
  /** Path with query, beginning with a slash; or an absolute URL of the same service. */
  readonly target: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it differs from the client's. */
  readonly timeoutMs?: number;
  /** Statuses that are answers, beside 2xx. */
  readonly expected?: readonly number[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export type Transport = (call: HttpCall) => Promise<HttpAnswer>;

const MAX_PAUSE_MS = 5000;
/** A service that asks for more patience than this is treated as asking for this much. */
const MAX_RETRY_AFTER_MS = 30_000;

/** @throws AuditServiceError `invalid-configuration` where `url` is no http or https address */
export function createTransport(options: TransportOptions): Transport {
  const base = parseBase(options.url);
  return async (call) => {
    for (let retries = 0; ; retries++) {
      try {
        return await tryOnce(call, base, options);
      } catch (error) {
        const isWorthIt = error instanceof AuditServiceError && error.retryable;
        if (!isWorthIt || retries >= options.maxRetries) throw error;
        await pause(pauseMs(retries, error, options.retryDelayMs));
      }
    }
  };
}

function parseBase(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw new AuditServiceError(
      "invalid-configuration",
      `${JSON.stringify(url)} is no http or https address`,
    );
  }
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

async function tryOnce(call: HttpCall, base: URL, options: TransportOptions): Promise<HttpAnswer> {
  const url = call.target.startsWith("/") ? new URL(call.target.slice(1), base) : new URL(call.target, base);
  if (url.origin !== base.origin) {
    // A link may not lead the key away.
    throw new AuditServiceError("internal", `the service points to another origin, ${url.origin}`);
  }
  const timeoutMs = call.timeoutMs ?? options.timeoutMs;
  let answer: HttpAnswer;
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: {
        accept: "application/json, application/problem+json, */*;q=0.1",
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    answer = { status: response.status, headers: response.headers, text: await response.text() };
  } catch (cause) {
    throw unreachable(cause, base, timeoutMs);
  }
  const isAnswer = (answer.status >= 200 && answer.status < 300) || call.expected?.includes(answer.status);
  if (isAnswer !== true) throw errorFromResponse({ ...answer, body: answer.text });
  return answer;
}

function unreachable(cause: unknown, base: URL, timeoutMs: number): AuditServiceError {
  const url = base.href;
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    const message = `${url} did not answer within ${timeoutMs} ms`;
    return new AuditServiceError("unreachable", message, { cause, retryable: true, details: { url } });
  }
  const message = `${url} cannot be reached: ${reasonOf(cause)}`;
  return new AuditServiceError("unreachable", message, { cause, retryable: true, details: { url } });
}

/** fetch hides what happened in the cause of its error, and for a name of several addresses one level deeper. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

function pauseMs(retries: number, error: AuditServiceError, firstMs: number): number {
  const full = Math.min(firstMs * 2 ** retries, MAX_PAUSE_MS);
  const jittered = full * (0.5 + Math.random() / 2);
  const asked = Math.min((error.retryAfterS ?? 0) * 1000, MAX_RETRY_AFTER_MS);
  return Math.max(jittered, asked);
}
