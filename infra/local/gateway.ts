/**
 * API Gateway for one machine: node:http in front of the same functions that run as Lambda handlers. It chooses the
 * route, bounds what a client can take before anything is kept, and answers every request, also one it cannot read.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { HttpFunction } from "#functions/middleware.ts";
import { bodyTooLarge } from "#functions/request-body.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import type { HttpAnswer } from "#http/problem.ts";
import { problemAnswer, problemCode } from "#http/problem.ts";
import type { RouteMatch } from "#http/resolve-route.ts";
import { resolveRoute } from "#http/resolve-route.ts";
import type { FunctionName } from "#http/route-table.ts";
import type { BodyReader } from "#infra/local/body-reader.ts";
import { createBodyReader, drain, hasBody } from "#infra/local/body-reader.ts";
import { createBrokenRequestHandler, NO_ROUTE, refuseSocket } from "#infra/local/broken-requests.ts";
import { DEFAULT_ROUTE_KEY, toGatewayEvent } from "#infra/local/gateway-event.ts";
import type { GatewayLimits } from "#infra/local/gateway-limits.ts";
import { DEFAULT_GATEWAY_LIMITS } from "#infra/local/gateway-limits.ts";
import { OpenResponses } from "#infra/local/open-responses.ts";
import { hostProblem, splitTarget } from "#infra/local/request-target.ts";
import type { Slots } from "#infra/local/slots.ts";
import { createSlots } from "#infra/local/slots.ts";
import { assertNever } from "#lib/assert-never.ts";
import { AuditQueueError, AuditServiceError, AuditValidationError } from "#lib/errors.ts";

export interface GatewayOptions {
  readonly functions: Readonly<Record<FunctionName, HttpFunction>>;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  /** Answer only requests for names of this machine, so that no web page can reach it under a name of its own. */
  readonly isLoopbackOnly: boolean;
  readonly limits?: Partial<GatewayLimits> | undefined;
}

export interface Gateway {
  /** Starts listening; port 0 lets the system choose. Rejects where the address cannot be had. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Stops accepting, waits for requests under way, then ends all connections; at latest after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Connections beyond `maxConnections` that still get an answer. */
const SPARE_CONNECTIONS = 256;
const OVERLOAD_RETRY_S = 1;
const STOP_CHECK_MS = 50;

export function createGateway(options: GatewayOptions): Gateway {
  return new LocalGateway(options);
}

class LocalGateway implements Gateway {
  private readonly options: GatewayOptions;
  private readonly limits: GatewayLimits;
  private readonly bodies: BodyReader;
  private readonly server: Server;
  private readonly responses = new OpenResponses();
  private readonly unpacking: Slots;
  private connections = 0;
  private isStopping = false;

  constructor(options: GatewayOptions) {
    this.options = options;
    this.limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
    this.bodies = createBodyReader(this.limits);
    this.unpacking = createSlots(this.limits.maxUnpackedRequests);
    this.server = this.createServer();
  }

  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.off("error", reject);
        const address = this.server.address();
        if (typeof address === "object" && address !== null) resolve(address);
        else reject(new AuditServiceError("internal", "the server listens on no address"));
      });
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.isStopping = true;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    const idle = setInterval(() => this.server.closeIdleConnections(), STOP_CHECK_MS);
    const last = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(idle);
    clearTimeout(last);
  }

  private createServer(): Server {
    const { limits } = this;
    const server = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      keepAliveTimeout: limits.keepAliveMs,
      requireHostHeader: false, // checked here, to answer with a problem document
    });
    // A client that ends its side once it has asked still gets its answer; node:http would drop it.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.maxHeadersCount = 0; // bounded by bytes; a count would drop headers silently
    server.maxConnections = limits.maxConnections + SPARE_CONNECTIONS;
    server.timeout = limits.silenceMs;
    server.on("connection", (socket) => {
      this.connections++;
      socket.once("close", () => this.connections--);
    });
    server.on("request", (request, response) => this.handle(request, response));
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      this.handle(request, response, () => response.writeContinue());
    });
    server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
      const reason = "the header Expect asks for something that is not known; only 100-continue is";
      this.refuse({ request, response, id: randomUUID() }, invalidHttp(reason));
    });
    server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
      const reason = invalidHttp("CONNECT is for proxies, which this service is not");
      refuseSocket(socket, problemAnswer(reason, randomUUID()), limits);
    });
    server.on(
      "clientError",
      createBrokenRequestHandler({
        telemetry: this.options.telemetry,
        limits,
        openResponses: (socket) => this.responses.ofSocket(socket),
      }),
    );
    return server;
  }

  /** @param goOn called when the body is wanted, where the client waits for that */
  private handle(request: IncomingMessage, response: ServerResponse, goOn?: () => void): void {
    const exchange: Exchange = { request, response, id: randomUUID() };
    const before = this.responses.add(request, response);
    if (before === undefined) this.begin(exchange, goOn);
    // Pipelined: a request may count on what the one before it has done (RFC 9112 section 9.3.2).
    else before.once("close", () => this.begin(exchange, goOn));
  }

  private begin(exchange: Exchange, goOn?: () => void): void {
    if (exchange.request.socket.destroyed) return; // gone while it waited for its turn
    const refusal = this.admissionProblem(exchange.request);
    if (refusal !== undefined) this.refuse(exchange, refusal);
    else this.answer(exchange, goOn).catch((error: unknown) => this.giveUp(exchange, error));
  }

  private async answer(exchange: Exchange, goOn?: () => void): Promise<void> {
    const { path, queryString } = splitTarget(exchange.request.url ?? "/");
    const match = resolveRoute(exchange.request.method ?? "GET", path);
    const routed: Routed = { ...exchange, match, path, queryString };
    const limits = match.kind === "found" ? match.route.body : undefined;
    if (limits === undefined) return this.invoke(routed); // a body that nobody asked for is not read
    const body = await this.bodies.receive(exchange.request, limits.maxWireBytes, goOn);
    switch (body.kind) {
      case "received":
        return this.handleBody(routed, body.bytes).finally(() => this.bodies.release(body.bytes.length));
      case "too-large":
        return this.refuse(exchange, bodyTooLarge(body.bytes, limits.maxWireBytes));
      case "no-memory":
        return this.refuse(exchange, overloaded("the bodies under way fill the memory set aside for them"));
      case "gone":
        exchange.response.destroy();
        return undefined;
      default:
        return assertNever(body);
    }
  }

  /** A compressed body waits for its turn to be unpacked: what comes of it is not in the account of bodies. */
  private handleBody(routed: Routed, bytes: Buffer): Promise<void> {
    const isPacked = routed.request.headers["content-encoding"] !== undefined;
    return isPacked ? this.unpacking.run(() => this.invoke(routed, bytes)) : this.invoke(routed, bytes);
  }

  private async invoke({ match, path, queryString, ...exchange }: Routed, body?: Buffer): Promise<void> {
    const { request, response, id } = exchange;
    const found = match.kind === "found" ? match : undefined;
    const event = toGatewayEvent({
      request,
      requestId: id,
      routeKey: found?.routeKey ?? DEFAULT_ROUTE_KEY,
      path,
      queryString,
      pathParameters: found?.pathParameters,
      body,
      nowMs: this.options.nowMs(),
    });
    const answer = await this.options.functions[found?.route.function ?? "query"](event);
    if (!request.complete && hasBody(request)) this.closeAfter(exchange, answer);
    else this.send(response, answer);
  }

  private send(response: ServerResponse, answer: HttpAnswer): void {
    if (this.isStopping) response.shouldKeepAlive = false;
    response.writeHead(answer.statusCode, flatHeaders(answer));
    response.end(answer.body);
    this.responses.noteWritten(response, answer.body.length);
  }

  /** Functions answer their own errors; what arrives here is an error of the gateway. */
  private giveUp(exchange: Exchange, cause: unknown): void {
    const answer = problemAnswer(cause, exchange.id);
    this.report(exchange, answer, cause);
    if (exchange.response.headersSent) exchange.response.destroy();
    else this.closeAfter(exchange, answer);
  }

  /** Answers without having read the body, and ends the connection once the client can have read the answer. */
  private refuse(exchange: Exchange, reason: AuditServiceError): void {
    const answer = problemAnswer(reason, exchange.id);
    this.report(exchange, answer, reason);
    this.closeAfter(exchange, answer);
  }

  private report({ id }: Exchange, { statusCode }: HttpAnswer, cause: unknown): void {
    const code = problemCode(cause);
    this.options.telemetry.request({
      routeKey: NO_ROUTE,
      status: statusCode,
      durationMs: 0,
      requestId: id,
      code,
      cause,
    });
  }

  private closeAfter({ request, response }: Exchange, answer: HttpAnswer): void {
    response.shouldKeepAlive = false;
    response.on("error", () => undefined); // the connection is given up anyway
    response.writeHead(answer.statusCode, flatHeaders(answer));
    response.write(answer.body);
    drain(request, this.limits, () => response.end());
  }

  private admissionProblem(request: IncomingMessage): AuditServiceError | undefined {
    if (this.connections > this.limits.maxConnections)
      return overloaded(`${this.limits.maxConnections} connections are open, which is the limit`);
    if (this.responses.count > this.limits.maxRequests)
      return overloaded(`${this.limits.maxRequests} requests are under way, which is the limit`);
    if (this.responses.unsentBytes > this.limits.maxUnsentBytes) {
      this.responses.endSlowest(this.limits.maxUnsentBytes, this.limits.unsentGraceMs);
      const isStillFull = this.responses.unsentBytes > this.limits.maxUnsentBytes;
      if (isStillFull && mayAnswerMuch(request))
        return overloaded("answers that are not read yet fill the memory set aside for them");
    }
    return hostProblem(request, this.options.isLoopbackOnly);
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
}

interface Routed extends Exchange {
  readonly match: RouteMatch;
  readonly path: string;
  readonly queryString: string;
}

/** Names and values by turns, the cheapest form that node:http takes. */
function flatHeaders({ headers, body }: HttpAnswer): string[] {
  const flat = ["content-length", String(Buffer.byteLength(body))];
  for (const name in headers) flat.push(name, headers[name] ?? "");
  return flat;
}

/** Clients that do not read their pages must not keep others from writing, or from asking how the service is. */
function mayAnswerMuch({ method, url = "/" }: IncomingMessage): boolean {
  const { path } = splitTarget(url);
  return path !== "/health" && (method !== "POST" || path === "/events/query");
}

function overloaded(reason: string): AuditServiceError {
  return new AuditQueueError("overloaded", reason, { retryable: true, retryAfterS: OVERLOAD_RETRY_S });
}

function invalidHttp(message: string): AuditServiceError {
  return new AuditValidationError("validation-failed", message);
}
