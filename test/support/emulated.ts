// The emulated deployment for tests: stacks with tables, queues and functions of their own, on the stand-ins of the run.
// Starting one takes a second, so a stack serves one test after the other, emptied between them.
import { afterAll, beforeEach, inject, onTestFinished } from "vitest";
import type { Emulated, EmulatedOptions } from "#infra/emulated/start-emulated.ts";
import { startEmulated } from "#infra/emulated/start-emulated.ts";
import { createEraser } from "#test/support/emulated-eraser.ts";

export interface TestStack extends Emulated {
  /** Outputs of all stacks. */
  readonly names: Readonly<Record<string, string>>;
  /** What functions and gateway wrote, and what went wrong. */
  readonly written: string[];
}

interface ReusableStack {
  readonly stack: TestStack;
  readonly erase: () => Promise<void>;
}

export interface StackOptions {
  /** Whether each event is sealed as soon as it is stored. @default false: nothing is sealed */
  readonly isSealing?: boolean;
}

const emulation = inject("emulation");
/** Those that seal apart from those that do not. */
const idle = { sealing: new Array<ReusableStack>(), quiet: new Array<ReusableStack>() };
/** What each wake-up seals. */
const EAGER = { AUDIT_SEAL_PACE: "eager" };
/** Functions that remember what they have read or written of the log. */
const OF_THE_LOG = /Seal|Prove/;

beforeEach((context) => {
  context.skip(emulation === undefined, "needs Java 17");
});

afterAll(async () => {
  const all = [...idle.sealing.splice(0), ...idle.quiet.splice(0)];
  await Promise.all(all.map(({ stack }) => stack.stop()));
});

/** A stack in which nothing is stored. */
export async function emulatedStack({ isSealing = false }: StackOptions = {}): Promise<TestStack> {
  const pool = isSealing ? idle.sealing : idle.quiet;
  const reusable = pool.pop() ?? (await openReusable(isSealing));
  const { stack, erase } = reusable;
  stack.written.length = 0;
  onTestFinished(async () => {
    try {
      await stack.settle();
      await erase();
      if (isSealing) await Promise.all(functionsOfLog(stack).map((one) => one.stop()));
      pool.push(reusable);
    } catch (error) {
      await stack.stop();
      throw error;
    }
  });
  return stack;
}

function functionsOfLog({ functions }: TestStack): TestStack["functions"] {
  return functions.filter(({ name }) => OF_THE_LOG.test(name));
}

async function openReusable(isSealing: boolean): Promise<ReusableStack> {
  const stack = await openStack({ followsStreams: isSealing });
  await Promise.all(stack.sources.slice(0, 1).map(({ target }) => target.invoke({ Records: [] }))); // it marks what is its own
  return { stack, erase: await createEraser(stack) };
}

/** A stack of its own kind, which ends with the test. */
export async function ownStack(options: Partial<EmulatedOptions> = {}): Promise<TestStack> {
  const stack = await openStack(options);
  onTestFinished(() => stack.stop());
  return stack;
}

/** Is stopped by whoever opened it. */
export async function openStack(options: Partial<EmulatedOptions> = {}): Promise<TestStack> {
  if (emulation === undefined) throw new Error("needs Java 17");
  const written: string[] = [];
  const stack = await startEmulated({
    assembly: emulation.assembly,
    standIns: { endpoints: emulation.endpoints, stop: async () => undefined },
    skipsWindows: true,
    runsSchedules: false,
    environment: EAGER,
    onOutput: (text) => written.push(text),
    ...options,
  });
  const names = Object.assign({}, ...Object.values(stack.outputs)) as Record<string, string>;
  return { ...stack, names, written };
}
