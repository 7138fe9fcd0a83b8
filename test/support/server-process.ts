// The real server as a child process, started as `npm start` does, with an environment and a folder of its own.
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const MAIN = join(import.meta.dirname, "..", "..", "infra", "local", "main.ts");

export interface ServerProcess {
  readonly child: ChildProcess;
  /** Resolves when it ends. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the address once it listens; rejects where it ends first. */
  readonly url: Promise<string>;
}

/** @param under words of a command that becomes the server, such as `nice` */
export function startServerProcess(
  folder: string,
  env: Readonly<Record<string, string>> = {},
  under: readonly string[] = [],
): ServerProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AUDIT_"));
  const own = { AUDIT_FILE_PATH: join(folder, "audit.jsonl"), AUDIT_API_PORT: "0" };
  const [program, ...words] = [...under, process.execPath, MAIN];
  const child = spawn(program, words, {
    env: { ...Object.fromEntries(inherited), ...own, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let [stdout, stderr] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const listening = Promise.withResolvers<string>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    const url = /"listening","url":"([^"]+)"/.exec(stdout)?.[1];
    if (url !== undefined) listening.resolve(url);
  });
  const ended = once(child, "close").then(([code, signal]) => {
    listening.reject(new Error(`the server ended before it listened: ${stderr}`));
    return { code, signal };
  });
  listening.promise.catch(() => undefined); // not every test waits for it
  return { child, ended, stdout: () => stdout, stderr: () => stderr, url: listening.promise };
}
