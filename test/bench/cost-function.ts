/**
 * One instance of a Lambda function in a process of its own, so that the CPU it takes can be told from everything else's:
 * loads the bundle named by its argument, handles one event after the other, answers what each took.
 */
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

export interface Handled {
  readonly result: unknown;
  /** User and system time of all threads of the process. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

export type FunctionAnswer = Handled | { readonly failure: string };

const CONTEXT = { getRemainingTimeInMillis: () => 60_000, awsRequestId: "cost" };

// cast: `import` of a path that is not known before cannot be typed; each bundle exports its handler under this name
const { handler } = (await import(pathToFileURL(process.argv[2] ?? "").href)) as {
  readonly handler: (event: unknown, context: object) => Promise<unknown>;
};

process.on("message", (eventJson: string) => {
  handle(eventJson).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});
process.send?.("ready");

async function handle(eventJson: string): Promise<Handled> {
  const before = process.cpuUsage();
  const beganMs = performance.now();
  const result = await handler(JSON.parse(eventJson), CONTEXT);
  const { user, system } = process.cpuUsage(before);
  return { result, cpuMs: (user + system) / 1000, wallMs: performance.now() - beganMs };
}
