/** The parent's side of a measured Lambda function: starts its process, hands it events, adds up what they took. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { FunctionAnswer } from "#test/bench/cost-function.ts";

/** What the function took since the last reading. */
export interface FunctionUse {
  readonly invocations: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  /** Bytes that it wrote to stdout and stderr, which Lambda sends to CloudWatch. */
  readonly logBytes: number;
}

export interface MeasuredFunction {
  /** @returns what the handler returned */
  readonly invoke: (event: unknown) => Promise<unknown>;
  /** Reads and resets. */
  readonly takeUse: () => FunctionUse;
  /** All that it has written. */
  readonly written: () => string;
  readonly stop: () => Promise<void>;
}

/**
 * @param bundlePath file of the bundle
 * @param environment all of the function's environment
 */
export async function startFunction(
  bundlePath: string,
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredFunction> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "cost-function.ts"), bundlePath], {
    env: { ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let written = "";
  let readBytes = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      written += text;
    });
  }
  const died = once(child, "exit").then(() => Promise.reject(new Error(`a function has ended: ${written}`)));
  died.catch(() => undefined);
  await Promise.race([once(child, "message"), died]);
  let use = { invocations: 0, cpuMs: 0, wallMs: 0 };
  return {
    invoke: async (event) => {
      child.send(JSON.stringify(event));
      // cast: the program that was started answers every event so
      const [answer] = (await Promise.race([once(child, "message"), died])) as [FunctionAnswer];
      if ("failure" in answer) throw new Error(`${bundlePath}: ${answer.failure}`);
      const { invocations, cpuMs, wallMs } = use;
      use = {
        invocations: invocations + 1,
        cpuMs: cpuMs + answer.cpuMs,
        wallMs: wallMs + answer.wallMs,
      };
      return answer.result;
    },
    takeUse: () => {
      const taken = { ...use, logBytes: Buffer.byteLength(written.slice(readBytes)) };
      readBytes = written.length;
      use = { invocations: 0, cpuMs: 0, wallMs: 0 };
      return taken;
    },
    written: () => written,
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}
