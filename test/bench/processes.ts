/** Child processes of the benchmark: the server, and programs that print one JSON line. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunningServer {
  readonly port: number;
  /** From spawn until it answered. */
  readonly startMs: number;
  /** Largest resident set so far, in bytes. Linux only, else NaN. */
  readonly peakRssBytes: () => number;
  readonly stop: () => Promise<void>;
}

const START_LIMIT_MS = 120_000;
const BYTES_PER_KB = 1024;

/** Starts `npm start`'s program on `folder` and a free port. */
export async function startServer(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const begun = performance.now();
  const child = spawn(process.execPath, ["infra/local/main.ts"], {
    env: {
      ...process.env,
      AUDIT_FILE_PATH: join(folder, "audit.jsonl"),
      AUDIT_API_PORT: "0",
      AUDIT_API_LOG_LEVEL: "warn",
      ...env,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const port = await portOf(child, join(folder, "audit-service.owner.json"));
  return {
    port,
    startMs: performance.now() - begun,
    peakRssBytes: () => peakRss(child.pid),
    stop: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

/** Waits for the file in which the server says where it listens. */
async function portOf(child: ChildProcess, ownerPath: string): Promise<number> {
  for (const limit = performance.now() + START_LIMIT_MS; performance.now() < limit; await sleep(5)) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
    if (!existsSync(ownerPath)) continue;
    const owner = /"pid":(\d+),"url":"http:\/\/[^:]+:(\d+)/.exec(readFileSync(ownerPath, "utf8"));
    if (owner?.[1] === String(child.pid)) return Number(owner[2]);
  }
  throw new Error(`the server did not start within ${START_LIMIT_MS} ms`);
}

function peakRss(pid: number | undefined): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return Number.NaN;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1]) * BYTES_PER_KB;
}

/** Runs a program of this folder to its end and answers the JSON that it prints. */
export async function runProgram(name: string, options: object): Promise<unknown> {
  const child = spawn(process.execPath, [join(import.meta.dirname, name), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  await once(child, "close");
  if (child.exitCode !== 0) throw new Error(`${name} ended with code ${child.exitCode}`);
  return JSON.parse(output);
}
