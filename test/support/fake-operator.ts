// A deployment that answers what a test says, for the commands of operators, and notes what it was asked.
import type { Operator, OperatorTarget } from "#cli/operator.ts";
import type { CliRun, HarnessOptions } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";

export interface OperatorRun extends CliRun {
  readonly target: OperatorTarget | undefined;
  readonly isClosed: boolean;
}

export async function runWithOperator(
  answers: Partial<Operator>,
  args: readonly string[],
  options: HarnessOptions = {},
): Promise<OperatorRun> {
  let target: OperatorTarget | undefined;
  let isClosed = false;
  const unexpected = async (): Promise<never> => Promise.reject(new Error("not expected"));
  const operator: Operator = {
    countLetters: unexpected,
    readLetters: unexpected,
    redrive: unexpected,
    rebuild: unexpected,
    reconcile: unexpected,
    readLanes: unexpected,
    growLanes: unexpected,
    ...answers,
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
    },
  };
  const harness = createCliHarness({
    ...options,
    openOperator: async (given) => {
      target = given;
      return operator;
    },
  });
  return { ...(await harness.run(args, "")), target, isClosed };
}
