// Schedules as EventBridge keeps them: a rate begins with a run at once, then there is one per interval.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";
import type { Schedule } from "#infra/emulated/schedule.ts";
import { createSchedule } from "#infra/emulated/schedule.ts";

const FIVE_MINUTES_MS = 5 * 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Watched {
  readonly schedule: Schedule;
  readonly events: unknown[];
  readonly problems: string[];
}

function scheduled(isRunning: boolean, answer: () => Promise<unknown> = async () => null): Watched {
  const events: unknown[] = [];
  const problems: string[] = [];
  const target: LambdaFunction = {
    name: "target",
    arn: "arn:aws:lambda:us-east-1:000000000000:function:target",
    invoke: (event) => {
      events.push(event);
      return answer();
    },
    killBusy: async () => 0,
    stop: async () => undefined,
  };
  const schedule = createSchedule({
    expression: "rate(5 minutes)",
    ruleArn: "arn:aws:events:us-east-1:000000000000:rule/rule",
    input: undefined,
    target,
    isRunning,
    onProblem: (text) => problems.push(text),
  });
  return { schedule, events, problems };
}

it("runs at once, and then at its rate until it is stopped", async () => {
  const { schedule, events } = scheduled(true);

  expect(events).toMatchObject([{ source: "aws.events" }]);
  await vi.advanceTimersByTimeAsync(2 * FIVE_MINUTES_MS);
  expect(events).toHaveLength(3);
  await schedule.stop();
  await vi.advanceTimersByTimeAsync(FIVE_MINUTES_MS);
  expect(events).toHaveLength(3);
});

it("runs on demand only where it is not to run by the clock", async () => {
  const { schedule, events } = scheduled(false);

  await vi.advanceTimersByTimeAsync(FIVE_MINUTES_MS);
  expect(events).toEqual([]);
  await schedule.runNow();
  expect(events).toHaveLength(1);
});

it("tells of a run that failed, and goes on", async () => {
  const { schedule, events, problems } = scheduled(true, async () => {
    throw new Error("no table");
  });

  await vi.advanceTimersByTimeAsync(FIVE_MINUTES_MS);
  await schedule.stop();

  expect(events).toHaveLength(2);
  expect(problems).toEqual(["Error: no table", "Error: no table"]);
});
