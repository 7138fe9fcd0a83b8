/**
 * One instance of a Lambda function, in a thread of its own: loads the bundled file, then handles one event after the
 * other, as the runtime of Lambda does. Events and results travel as JSON text.
 */
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

/** Given to the thread when it starts. */
export interface WorkerStart {
  readonly bundlePath: string;
  readonly exportName: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
}

export interface Invocation {
  readonly requestId: string;
  readonly deadlineMs: number;
  /** JSON. */
  readonly event: string;
}

export type InvocationResult =
  | {
      readonly kind: "returned" /** JSON; `null` where the handler returned nothing. */;
      readonly result: string;
    }
  | { readonly kind: "failed"; readonly errorType: string; readonly message: string; readonly stack: string };

type Handler = (event: unknown, context: object) => unknown;

// cast: the thread that starts this one sends it this
const start = workerData as WorkerStart;

parentPort?.on("message", (invocation: Invocation) => {
  handle(invocation).then(
    (result) => parentPort?.postMessage(result),
    (error: unknown) => parentPort?.postMessage(failure(error)),
  );
});

let loaded: Handler | undefined;

/** Loads once; where that fails, every invocation says why. Node requires ECMAScript modules too, by names not known before. */
function loadHandler(): Handler {
  if (loaded !== undefined) return loaded;
  // cast: what a module exports, whatever it is
  const module = createRequire(import.meta.url)(start.bundlePath) as Readonly<Record<string, unknown>>;
  const found = module[start.exportName];
  if (typeof found !== "function") throw new TypeError(`there is no function ${start.exportName}`);
  // cast: a function that Lambda calls with these
  loaded = found as Handler;
  return loaded;
}

async function handle({ event, requestId, deadlineMs }: Invocation): Promise<InvocationResult> {
  const context = {
    awsRequestId: requestId,
    functionName: start.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: start.functionArn,
    memoryLimitInMB: String(start.memoryMb),
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
  const result = await loadHandler()(JSON.parse(event), context);
  return { kind: "returned", result: JSON.stringify(result ?? null) };
}

function failure(error: unknown): InvocationResult {
  if (!(error instanceof Error))
    return { kind: "failed", errorType: "unknown", message: String(error), stack: "" };
  return { kind: "failed", errorType: error.name, message: error.message, stack: error.stack ?? "" };
}
