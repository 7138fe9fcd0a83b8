/**
 * What every function on AWS takes from the process that it runs in: clocks, waiting, identifiers, and telemetry on
 * stdout, which Lambda hands to CloudWatch as it is.
 */
import { randomFillSync, randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { LogLevel } from "#functions/config.ts";
import type { Renewal } from "#functions/once.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { createTelemetry } from "#functions/telemetry.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { Clock } from "#service/ports.ts";
import type { Sleep } from "#service/waiting.ts";

export interface Runtime {
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
  readonly identifiers: Identifiers;
  readonly telemetry: Telemetry;
  /** Takes one line with its newline. Not the console: Lambda would wrap its lines, and metrics in them be lost. */
  readonly write: (line: string) => void;
  readonly fillRandom: (bytes: Uint8Array) => unknown;
  readonly newUuid: () => string;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** When it is looked at again whether tables and archive belong together: a table may be replaced under a warm function. */
  readonly storeCheck: Renewal;
}

/** A restored table takes minutes to be there; looking costs two requests for each table. */
const STORE_CHECK_AFTER_MS = 60_000;

export interface RuntimeOptions {
  readonly logLevel: LogLevel;
  /** Value of the dimension `Service` of the metrics. */
  readonly serviceName: string;
}

export function createRuntime({ logLevel, serviceName }: RuntimeOptions): Runtime {
  const clock = { nowMs: Date.now };
  const write = (line: string): void => {
    process.stdout.write(line);
  };
  const monotonicMs = (): number => performance.now();
  return {
    clock,
    monotonicMs,
    sleep,
    identifiers: createIdentifiers({ ...clock, fillRandom: randomFillSync }),
    telemetry: createTelemetry({ level: logLevel, nowMs: clock.nowMs, write, metricsOf: serviceName }),
    write,
    fillRandom: randomFillSync,
    newUuid: randomUUID,
    random: Math.random,
    storeCheck: { afterMs: STORE_CHECK_AFTER_MS, monotonicMs },
  };
}

const sleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish);
  });
