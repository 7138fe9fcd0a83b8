/**
 * The service on one machine, over an open store: use cases, functions and gateway put together. Used by `npm start`,
 * by `auditlog serve`, and in the process of tests and benchmarks.
 */
import { randomFillSync } from "node:crypto";
import { performance } from "node:perf_hooks";
import { isLoopback, LOOPBACK_HOST } from "#functions/config.ts";
import { createHealthFunction } from "#functions/health/app.ts";
import { createIngest } from "#functions/ingest/app.ts";
import { createProveFunction } from "#functions/prove/app.ts";
import { createQuery } from "#functions/query/app.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { SUMMARY_INTERVAL_MS } from "#functions/telemetry.ts";
import { openApiJson } from "#http/openapi.ts";
import { createGateway } from "#infra/local/gateway.ts";
import type { GatewayLimits } from "#infra/local/gateway-limits.ts";
import { MAX_FEED_LEAVES, SEALS_AFTER_S } from "#infra/local/log-limits.ts";
import { createPreparePool } from "#infra/local/prepare-pool.ts";
import { SOFTWARE_VERSION } from "#infra/local/software-version.ts";
import { createSleep } from "#infra/local/sleep.ts";
import type { ReadableLog } from "#infra/local/unsealed-log.ts";
import { createUnsealedLog, probeUnsealed } from "#infra/local/unsealed-log.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { Accept } from "#service/accept.ts";
import { createAccept } from "#service/accept.ts";
import { createExport } from "#service/export.ts";
import { createFeed } from "#service/feed.ts";
import { createFind } from "#service/find.ts";
import { createFlush } from "#service/flush.ts";
import type { Probe } from "#service/health.ts";
import { createHealth } from "#service/health.ts";
import type { Clock, EventQueue, EventStore } from "#service/ports.ts";
import { createProve } from "#service/prove.ts";
import { createLogReader } from "#service/read-log.ts";

export interface ServerOptions {
  /** Stays the caller's: closed by whoever opened it, after `stop`. */
  readonly store: EventQueue & EventStore;
  /** What proofs and the feed are answered from. @default nothing is sealed */
  readonly log?: ReadableLog | undefined;
  /** Whether somebody seals; where not, health and answers say so. @default where there is a log */
  readonly isSealing?: boolean | undefined;
  /** How sealing stands. @default nothing is told of it but whether it is off */
  readonly probeLog?: Probe | undefined;
  readonly telemetry: Telemetry;
  /** @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** @default 0: the system chooses */
  readonly port?: number | undefined;
  /** Name of this instance. @default "audit_service" */
  readonly serviceName?: string | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
  readonly limits?: Partial<GatewayLimits> | undefined;
}

export interface LocalServer {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly port: number;
  /** Stops accepting and waits for requests under way, at most `graceMs` (default 10 s). */
  stop(graceMs?: number): Promise<void>;
}

const DEFAULT_GRACE_MS = 10_000;

/** @throws AuditServiceError `invalid-configuration` where the address cannot be listened on */
export async function startServer(options: ServerOptions): Promise<LocalServer> {
  const { telemetry, host = LOOPBACK_HOST, port = 0, clock = { nowMs: Date.now } } = options;
  const stopping = new AbortController();
  const identifiers = createIdentifiers({ nowMs: clock.nowMs, fillRandom: randomFillSync });
  const pool = createPreparePool(identifiers, (reason) => {
    telemetry.warn("the second thread is gone; one prepares all batches", { reason });
  });
  const accept = createAccept({ queue: options.store, clock, identifiers, prepare: pool.prepare });
  const gateway = createGateway({
    functions: createFunctions({ ...options, clock, accept }, stopping.signal),
    telemetry,
    nowMs: clock.nowMs,
    isLoopbackOnly: isLoopback(host),
    limits: options.limits,
  });
  const address = await gateway.listen(host, port).catch((cause: unknown) => {
    throw cannotListen(cause, host, port);
  });
  const summaries = setInterval(() => telemetry.summarise(), SUMMARY_INTERVAL_MS);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    stop: async (graceMs = DEFAULT_GRACE_MS) => {
      clearInterval(summaries);
      stopping.abort();
      await gateway.stop(graceMs);
      await pool.close();
      telemetry.summarise();
    },
  };
}

interface FunctionOptions extends ServerOptions {
  readonly clock: Clock;
  readonly accept: Accept;
}

function createFunctions(
  options: FunctionOptions,
  stopping: AbortSignal,
): Parameters<typeof createGateway>[0]["functions"] {
  const { store, log = createUnsealedLog(store), probeLog, telemetry, serviceName, clock, accept } = options;
  const { isSealing = options.log !== undefined } = options;
  const sealsAfterS = isSealing ? SEALS_AFTER_S : undefined;
  const monotonicMs = (): number => performance.now();
  const sleep = createSleep(stopping);
  const service = {
    name: serviceName ?? "audit_service",
    version: SOFTWARE_VERSION,
    started_at: new Date(clock.nowMs()).toISOString(),
  };
  const reader = createLogReader(log.objects);
  const reading = { leaves: log.leaves, log: reader, monotonicMs, sleep };
  return {
    ingest: createIngest({ accept, knowsStored: true, telemetry }),
    query: createQuery({
      find: createFind({ store, monotonicMs, sleep }),
      exportChunk: createExport({ store, monotonicMs }),
      flush: createFlush({ store, monotonicMs, sleep }),
      openApiJson,
      telemetry,
    }),
    prove: createProveFunction({
      prove: createProve({ ...reading, sealsAfterS }),
      feed: createFeed({ ...reading, maxLeaves: MAX_FEED_LEAVES }),
      log: reader,
      sealsAfterS,
      telemetry,
    }),
    health: createHealthFunction({
      health: createHealth({
        store,
        log: isSealing ? probeLog : probeUnsealed,
        clock,
        monotonicMs,
        sleep,
        service,
      }),
      telemetry,
    }),
  };
}

function cannotListen(cause: unknown, host: string, port: number): AuditServiceError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there; set AUDIT_API_PORT to another port",
    EACCES: "this user may not; ports below 1024 often need rights",
    EADDRNOTAVAIL: "this machine has no such address; see AUDIT_API_HOST",
    ENOTFOUND: "no such name is known; see AUDIT_API_HOST",
  };
  const reason = (typeof code === "string" ? reasons[code] : undefined) ?? String(cause);
  return new AuditServiceError("invalid-configuration", `cannot listen on ${host} port ${port}: ${reason}`, {
    cause,
  });
}
