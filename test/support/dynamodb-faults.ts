// A client in front of a real one that a test makes misbehave as the service does: throttled statements, parts of a
// batch left over, answers that are lost after the work was done.
import type { BatchStatementErrorCodeEnum } from "@aws-sdk/client-dynamodb";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

/** A command on its way. */
export interface Sent {
  /** Such as `BatchExecuteStatementCommand`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export type Around = (sent: Sent, forward: (input?: unknown) => Promise<unknown>) => Promise<unknown>;

interface Command {
  readonly input: Readonly<Record<string, unknown>>;
  readonly constructor: new (input: unknown) => unknown;
}

/** Sends each command through `around`, which may forward it, with another input too, or answer by itself. */
export function intercept(client: DynamoSender, around: Around): DynamoSender {
  const forward = client.send.bind(client) as (command: unknown, options: unknown) => Promise<unknown>;
  const send = async (command: Command, options: unknown): Promise<unknown> => {
    const { name } = command.constructor;
    return around({ name, input: command.input }, (input = command.input) =>
      forward(new command.constructor(input), options),
    );
  };
  return { send } as unknown as DynamoSender;
}

/** Counts what is sent, by name of the command. */
export function counting(client: DynamoSender): {
  readonly client: DynamoSender;
  readonly sent: Readonly<Record<string, number>>;
} {
  const sent: Record<string, number> = {};
  const counted = intercept(client, async ({ name }, forward) => {
    sent[name] = (sent[name] ?? 0) + 1;
    return forward();
  });
  return { client: counted, sent };
}

export interface Statement {
  readonly Statement: string;
  readonly Parameters: readonly unknown[];
}

/** Statements of a batch of inserts; none where the command is another. */
export function statementsOf({ name, input }: Sent): readonly Statement[] {
  return name === "BatchExecuteStatementCommand" ? (input["Statements"] as readonly Statement[]) : [];
}

/** Whether an insert carries keys of the indexes. */
export function hasIndexKeys({ Statement: text }: Statement): boolean {
  return text.includes("'t':?");
}

/** Answers the chosen statements of each batch with an error, as the service does, and forwards the others. */
export function refusing(
  client: DynamoSender,
  codeFor: (statement: Statement) => BatchStatementErrorCodeEnum | undefined,
): DynamoSender {
  return intercept(client, async (sent, forward) => {
    const statements = statementsOf(sent);
    const codes = statements.map(codeFor);
    if (codes.every((code) => code === undefined)) return forward();
    const passed = statements.filter((_, at) => codes[at] === undefined);
    const answer =
      passed.length === 0 ? { Responses: [] } : await forward({ ...sent.input, Statements: passed });
    const responses = [...(answer as { readonly Responses: readonly unknown[] }).Responses];
    return {
      Responses: codes.map((code) => (code === undefined ? responses.shift() : { Error: { Code: code } })),
    };
  });
}

/** An error as the SDK throws it. */
export function vendorError(name: string): Error {
  return Object.assign(new Error("made to fail"), { name, $metadata: { httpStatusCode: 400 } });
}

/** Time in which waiting takes none; pauses are as long as they can be. */
export function fastTiming(): Timing & { readonly pass: (ms: number) => void } {
  const { clock, monotonicMs, sleep, pass } = virtualTime();
  return { nowMs: clock.nowMs, monotonicMs, sleep, random: () => 0.999, pass };
}
