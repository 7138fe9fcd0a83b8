/** Invokes a function at once and then at a fixed rate, with the event that EventBridge would send, and on demand. */
import { randomUUID } from "node:crypto";
import { REGION } from "#infra/emulated/config.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";

export interface ScheduleOptions {
  /** `rate(5 minutes)`; the template's schema lets nothing else through. */
  readonly expression: string;
  readonly ruleArn: string;
  /** JSON in place of the event. */
  readonly input: string | undefined;
  readonly target: LambdaFunction;
  /** Whether it runs by the clock too. */
  readonly isRunning: boolean;
  readonly onProblem: (text: string) => void;
}

export interface Schedule {
  readonly target: LambdaFunction;
  /** @returns what the function returned */
  readonly runNow: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

export function createSchedule({ target, isRunning, onProblem, ...options }: ScheduleOptions): Schedule {
  const [, count, unit = ""] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(options.expression) ?? [];
  const runNow = (): Promise<unknown> => target.invoke(eventOf(options));
  let underWay: Promise<unknown> = Promise.resolve();
  const tick = (): void => {
    underWay = runNow().catch((error: unknown) => onProblem(String(error)));
  };
  const timer = isRunning ? setInterval(tick, Number(count) * (UNIT_MS[unit] ?? 0)) : undefined;
  if (isRunning) tick(); // a rate begins when its rule is created
  return {
    target,
    runNow,
    stop: async () => {
      clearInterval(timer);
      await underWay;
    },
  };
}

function eventOf({ input, ruleArn }: Pick<ScheduleOptions, "input" | "ruleArn">): unknown {
  if (input !== undefined) return JSON.parse(input);
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.events",
    time: new Date().toISOString(),
    region: REGION,
    resources: [ruleArn],
    detail: {},
  };
}
