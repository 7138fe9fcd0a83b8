// The real command line as child processes: its own environment, a folder of its own, and ends with its test.
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const BIN = join(import.meta.dirname, "..", "..", "infra", "local", "bin.js");

export interface ProgramOptions {
  /** Holds the log; also the working folder. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; null keeps it open, for the test to write to and to end. */
  readonly input?: string | null;
  /** Options of Node itself. */
  readonly node?: readonly string[];
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly child: ChildProcess;
  readonly end: Promise<ProgramEnd>;
}

/** Starts `auditlog` on the log in `folder`; it is killed if it outlives the test. */
export function startAuditlog(args: readonly string[], options: ProgramOptions): Program {
  const { folder, env = {}, input, node = [] } = options;
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AUDIT_"));
  const child = spawn(process.execPath, [...node, BIN, ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), AUDIT_FILE_PATH: join(folder, "audit.jsonl"), ...env },
    stdio: "pipe",
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const written = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (written.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (written.stderr += text));
  child.stdin.on("error", () => undefined); // it may end without having read everything
  if (input !== null) child.stdin.end(input ?? "");
  const end = once(child, "close").then(([code, signal]): ProgramEnd => ({ code, signal, ...written }));
  return { child, end };
}

export async function auditlog(args: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  return startAuditlog(args, options).end;
}

/** Runs `auditlog serve` on a free port; resolves when it listens. */
export async function startServe(options: ProgramOptions): Promise<Program & { readonly url: string }> {
  const program = startAuditlog(["serve"], { ...options, env: { AUDIT_API_PORT: "0", ...options.env } });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    program.child.stderr?.on("data", (part: string) => {
      text += part;
      const match = /^ *url +(\S+)$/m.exec(text);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    program.child.once("close", () => reject(new Error(`the service did not start: ${text}`)));
  });
  return { ...program, url };
}
