/**
 * The life of a server on one machine: configuration, store, gateway, and an orderly end when a signal asks for it.
 * People read stderr; stdout carries telemetry, one JSON line each.
 */
import { dirname, resolve } from "node:path";
import type { FileStore } from "#adapters/file/file-store.ts";
import { openFileStore } from "#adapters/file/file-store.ts";
import type { Config, Environment } from "#functions/config.ts";
import { readServerConfig } from "#functions/config.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { createTelemetry } from "#functions/telemetry.ts";
import { createReadableLog } from "#infra/local/readable-log.ts";
import type { Sealing } from "#infra/local/sealing.ts";
import { startSealing } from "#infra/local/sealing.ts";
import type { LocalServer } from "#infra/local/server.ts";
import { startServer } from "#infra/local/server.ts";
import { createStartProgress } from "#infra/local/start-progress.ts";
import { keepHeapsSmall } from "#infra/local/small-heap.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** npm passes on a signal that the terminal has sent to its child already: that is not a second one. */
const SAME_SIGNAL_MS = 1000;
const SIGNAL_EXIT_BASE = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Serves until SIGINT or SIGTERM; a second signal exits at once.
 * @param env default is the environment of this process
 * @returns the exit code: 0 after an orderly end, 1 where the server could not start, with the reason on stderr
 */
export async function serve(env?: Environment): Promise<number> {
  keepHeapsSmall();
  // Events are worth more than the words about them: the service goes on where nobody reads those, or no disk takes them.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  try {
    const config = readServerConfig(env);
    await run(config, say);
    return 0;
  } catch (error) {
    if (!(error instanceof AuditServiceError)) throw error;
    say(`audit service: ${error.message}`);
    return 1;
  }
}

async function run(config: Config, say: (text: string) => void): Promise<void> {
  const telemetry = createTelemetry({
    level: config.logLevel,
    nowMs: Date.now,
    write: (line) => {
      if (!process.stdout.writableNeedDrain) process.stdout.write(line); // else lost: a slow reader must cost no memory
    },
  });
  const stopSignal = firstSignal(say);
  const store = await openFileStore({
    path: config.filePath,
    maxFileBytes: config.maxFileBytes,
    backupCount: config.backupCount,
    onProgress: createStartProgress({ nowMs: Date.now, write: (text) => process.stderr.write(text) }),
  });
  let sealing: Sealing | undefined;
  try {
    sealing = seal(store, config, telemetry);
    await sealing?.ready();
    const server = await startServer({
      store,
      log: sealing?.log ?? createReadableLog(store),
      isSealing: sealing !== undefined,
      probeLog: sealing?.probe,
      telemetry,
      host: config.apiHost,
      port: config.apiPort,
      serviceName: config.serviceName,
    });
    store.announce(server.url);
    say(await banner(server, store, { config, sealing }));
    telemetry.info("listening", { url: server.url, pid: process.pid });
    const signal = await stopSignal;
    telemetry.info("stopping", { signal });
    await server.stop();
  } finally {
    await store.flush();
    await sealing?.stop();
    await store.close();
  }
  telemetry.info("stopped", { pid: process.pid });
}

/** undefined where nothing is to be sealed. */
function seal(store: FileStore, config: Config, telemetry: Telemetry): Sealing | undefined {
  const { sealIntervalMs: intervalMs, logOrigin: origin, witnesses } = config;
  if (intervalMs === 0) return undefined;
  const onTrouble = (problem: string): void => telemetry.error("the log has a problem", { problem });
  return startSealing({ store, intervalMs, origin, witnesses, onTrouble });
}

/** Resolves at the first signal; the process exits at the second. */
function firstSignal(say: (text: string) => void): Promise<string> {
  return new Promise((settle) => {
    let firstMs: number | undefined;
    const onSignal = (signal: keyof typeof SIGNALS): void => {
      if (firstMs === undefined) {
        firstMs = Date.now();
        say(`${signal}: finishing what is under way; once more to exit at once`);
        settle(signal);
      } else if (Date.now() - firstMs > SAME_SIGNAL_MS) process.exit(SIGNAL_EXIT_BASE + SIGNALS[signal]);
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  });
}

const UNSEALED = "none: AUDIT_SEAL_INTERVAL is 0, so nothing can be proven";

interface Begun {
  readonly config: Config;
  readonly sealing: Sealing | undefined;
}

async function banner(server: LocalServer, store: FileStore, { config, sealing }: Begun): Promise<string> {
  const { status, problems, details } = await store.probe();
  const path = resolve(config.filePath);
  const lines = [
    "",
    "  Audit Service",
    "",
    `  url      ${server.url}`,
    `  process  ${process.pid}`,
    `  folder   ${dirname(path)}`,
    `  events   ${Number(details["events"])}`,
    `  log key  ${sealing === undefined ? UNSEALED : (sealing.verifierKey() ?? "none yet: see health")}`,
    "  access   no keys configured: listening on loopback only",
  ];
  if (status !== "healthy")
    lines.push(`  health   ${status}`, ...problems.map((problem) => `           ${problem}`));
  return `${lines.join("\n")}\n`;
}
