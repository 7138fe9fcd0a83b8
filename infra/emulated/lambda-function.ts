/**
 * A Lambda function as it is invoked: instances are threads, started when an event finds none idle, each with the
 * environment of the template and nothing of this process. What Lambda bounds is bounded: time, memory, payloads.
 */
import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { Invocation, InvocationResult, WorkerStart } from "#infra/emulated/worker.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface LambdaOptions {
  readonly name: string;
  readonly arn: string;
  readonly bundlePath: string;
  readonly exportName: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** Called with what an instance writes to stdout and stderr. */
  readonly onOutput: (text: string) => void;
}

export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  /**
   * @returns what the handler returned, through JSON
   * @throws AuditServiceError `internal` where it threw, took too long, or its instance has died
   */
  readonly invoke: (event: unknown) => Promise<unknown>;
  /** Ends instances that are handling an event, in the middle of it, as `kill -9` would. Returns how many. */
  readonly killBusy: () => Promise<number>;
  /** Ends all instances; the next event starts a new one. */
  readonly stop: () => Promise<void>;
}

/** Of a synchronous invocation, each way: Lambda quotas, "Invocation payload". */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
const WORKER = new URL("worker.ts", import.meta.url);

interface Instance {
  readonly worker: Worker;
  readonly died: Promise<string>;
}

export function createLambdaFunction(options: LambdaOptions): LambdaFunction {
  const { name, arn, timeoutSeconds } = options;
  const idle: Instance[] = [];
  const busy = new Set<Instance>();
  const failed = (reason: string): AuditServiceError =>
    new AuditServiceError("internal", `${name}: ${reason}`);

  const start = (): Instance => {
    const instance = startInstance(options);
    instance.died.then(() => {
      busy.delete(instance);
      if (idle.includes(instance)) idle.splice(idle.indexOf(instance), 1);
    }, String);
    return instance;
  };

  return {
    name,
    arn,
    invoke: async (event) => {
      const text = JSON.stringify(event);
      if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) throw failed("the event is larger than 6 MiB");
      const instance = idle.pop() ?? start();
      busy.add(instance);
      const timeoutMs = timeoutSeconds * 1000;
      const invocation = { requestId: randomUUID(), deadlineMs: Date.now() + timeoutMs, event: text };
      const outcome = await runOn(instance, invocation, timeoutMs);
      if (outcome.kind === "died") throw failed(outcome.reason);
      if (busy.delete(instance)) idle.push(instance);
      if (outcome.kind === "failed")
        throw failed(`${outcome.errorType}: ${outcome.message}\n${outcome.stack}`);
      if (Buffer.byteLength(outcome.result) > MAX_PAYLOAD_BYTES)
        throw failed("the result is larger than 6 MiB");
      const result: unknown = JSON.parse(outcome.result);
      return result;
    },
    killBusy: async () => {
      const killed = [...busy];
      await Promise.all(killed.map(({ worker }) => worker.terminate()));
      return killed.length;
    },
    stop: async () => {
      await Promise.all([...idle.splice(0), ...busy].map(({ worker }) => worker.terminate()));
    },
  };
}

function startInstance({ bundlePath, exportName, name, arn, memoryMb, ...options }: LambdaOptions): Instance {
  const workerData: WorkerStart = {
    bundlePath,
    exportName,
    functionName: name,
    functionArn: arn,
    memoryMb,
  };
  const worker = new Worker(WORKER, {
    workerData,
    env: { ...options.environment, AWS_LAMBDA_FUNCTION_NAME: name },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    stdout: true,
    stderr: true,
  });
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.setEncoding("utf8").on("data", options.onOutput);
  }
  const died = new Promise<string>((resolve) => {
    worker.once("error", (error) => resolve(String(error)));
    worker.once("exit", (code) => resolve(`its instance has ended with ${code}`));
  });
  return { worker, died };
}

type Outcome = InvocationResult | { readonly kind: "died"; readonly reason: string };

async function runOn(
  { worker, died }: Instance,
  invocation: Invocation,
  timeoutMs: number,
): Promise<Outcome> {
  let onMessage: (result: InvocationResult) => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const answered = new Promise<Outcome>((resolve) => {
    onMessage = resolve;
    worker.once("message", onMessage);
    timer = setTimeout(() => {
      resolve({ kind: "died", reason: `timed out after ${timeoutMs / 1000} seconds` });
    }, timeoutMs);
  });
  worker.postMessage(invocation);
  const dead = died.then((reason): Outcome => ({ kind: "died", reason }));
  const outcome = await Promise.race([answered, dead]);
  clearTimeout(timer);
  worker.off("message", onMessage);
  if (outcome.kind === "died") await worker.terminate();
  return outcome;
}
