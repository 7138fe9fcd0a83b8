/**
 * Answers for what never becomes a request: malformed HTTP, headers too large, a client too slow, a body cut short.
 * node:http reports them on the bare socket; the answer is written there, after the answers still under way.
 */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Telemetry } from "#functions/telemetry.ts";
import type { TextAnswer } from "#http/problem.ts";
import { problemAnswer, problemCode } from "#http/problem.ts";
import { AuditServiceError, AuditValidationError } from "#lib/errors.ts";
import type { DrainLimits } from "#infra/local/body-reader.ts";

export interface BrokenRequestOptions {
  readonly telemetry: Telemetry;
  readonly limits: DrainLimits & { readonly maxHeaderBytes: number };
  /** Answers of this socket that are not finished. */
  readonly openResponses: (socket: Duplex) => readonly ServerResponse[];
}

/** For telemetry: the request was refused before a route was looked for. */
export const NO_ROUTE = "none";

/** A handler of the server's `clientError` event. */
export function createBrokenRequestHandler({
  telemetry,
  limits,
  openResponses,
}: BrokenRequestOptions): (error: Error, socket: Duplex) => void {
  const seen = new WeakSet<Duplex>();

  return (error, socket) => {
    if (seen.has(socket)) return;
    seen.add(socket);
    socket.on("error", () => undefined); // nobody is left to tell
    if (!socket.writable || codeOf(error) === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const responses = openResponses(socket);
    if (responses.some((response) => response.headersSent && !response.req.complete)) {
      endSocket(socket, limits); // answered before it had arrived, and now it never will
      return;
    }
    const reason = toProblem(error, limits.maxHeaderBytes);
    afterComplete(responses, () => {
      const requestId = randomUUID();
      const answer = problemAnswer(reason, requestId);
      refuseSocket(socket, answer, limits);
      const code = problemCode(reason);
      telemetry.request({ routeKey: NO_ROUTE, status: answer.statusCode, durationMs: 0, requestId, code });
    });
  };
}

/** Writes a problem to a bare socket and closes it in a way that lets the client read it. */
export function refuseSocket(
  socket: Duplex,
  { statusCode, headers, body }: TextAnswer,
  limits: DrainLimits,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ""}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `date: ${new Date().toUTCString()}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  // Closing with unread input would reset the connection, and the client might never see the answer.
  let left = limits.maxDrainBytes;
  const timer = setTimeout(() => socket.destroy(), limits.maxDrainMs);
  socket.removeAllListeners("data");
  socket.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  socket.on("close", () => clearTimeout(timer));
  socket.resume();
}

/** Ends a socket behind what has been written to it, so that the client can read that. */
function endSocket(socket: Duplex, limits: DrainLimits): void {
  const timer = setTimeout(() => socket.destroy(), limits.maxDrainMs);
  socket.on("close", () => clearTimeout(timer));
  socket.end();
}

/** Answers under way to requests that arrived whole go first; one whose request broke will never come. */
function afterComplete(responses: readonly ServerResponse[], then: () => void): void {
  const waiting = responses.find((response) => response.req.complete && !response.writableFinished);
  if (waiting === undefined) then();
  else waiting.once("close", () => afterComplete(responses, then));
}

function toProblem(error: Error, maxHeaderBytes: number): AuditServiceError {
  switch (codeOf(error)) {
    case "HPE_HEADER_OVERFLOW":
      return new AuditValidationError(
        "headers-too-large",
        `request line and headers are more than ${maxHeaderBytes} bytes, which is the limit`,
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new AuditServiceError("request-timeout", "the request did not arrive whole in time");
    case "HPE_INVALID_EOF_STATE":
      return new AuditValidationError("validation-failed", "the request ends before its stated end");
    default:
      return new AuditValidationError("validation-failed", "the request is not valid HTTP/1.1");
  }
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
