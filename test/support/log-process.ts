// The parent's side of log-child.ts: starts a process that opens a log, asks it to do things, kills it.
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import type { LogCommands } from "#test/support/log-child.ts";

const SCRIPT = join(import.meta.dirname, "log-child.ts");
const NODE = [process.execPath, "--conditions=source", "--no-warnings", SCRIPT];

type Parameters<Name extends keyof LogCommands> = LogCommands[Name] extends (...given: infer P) => unknown
  ? P
  : [];
type Answer<Name extends keyof LogCommands> = Awaited<ReturnType<LogCommands[Name]>>;

export interface LogProcess {
  readonly pid: number;
  /** Rejects with what the command threw there; `code` of an error of ours is kept. */
  readonly ask: <Name extends keyof LogCommands>(
    name: Name,
    ...parameters: Parameters<Name>
  ) => Promise<Answer<Name>>;
  /** Ends it as `kill -9` does; resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

/**
 * Starts the process; it is killed when the test ends.
 * @param shell runs before it in a shell that then becomes the process; say `exec "$@"` last
 */
export function startLogProcess(shell?: readonly string[]): LogProcess {
  const [command = "", ...args] = shell === undefined ? NODE : [...shell, ...NODE];
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ask = channelTo(child);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  return { pid: child.pid ?? 0, ask, kill };
}

interface Reply {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code?: string };
}

function channelTo(child: ChildProcess): LogProcess["ask"] {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  child.on("message", ({ number, value, error }: Reply) => {
    const call = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) call?.resolve(value);
    else call?.reject(Object.assign(new Error(error.message), error));
  });
  child.on("exit", () => {
    for (const call of waiting.values()) call.reject(new Error("the process has ended"));
  });
  return (async (name, ...parameters) => {
    const call = Promise.withResolvers<unknown>();
    const number = count++;
    waiting.set(number, call);
    child.send({ number, name, parameters });
    return call.promise;
  }) as LogProcess["ask"];
}
