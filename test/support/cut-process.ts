// Where a process is cut off: at one of the calls that it makes to AWS, counted over all of its clients. Stopped there, it
// makes no further call until it is woken; or it goes on, told that the call did not work, though it may have.
import { AuditStorageError } from "#lib/errors.ts";
import { vendorError } from "#test/support/dynamodb-faults.ts";

export const CUT_KINDS = ["stopped before", "stopped behind", "refused", "answer lost"] as const;

export interface Cut {
  readonly kind: (typeof CUT_KINDS)[number];
  /** Of the call, from 1. */
  readonly at: number;
}

/** A process that makes more calls than this does not come to an end. */
const MAX_CALLS = 100;

interface Sender {
  readonly send: (...args: never[]) => unknown;
}

type Send = (command: object, ...rest: readonly unknown[]) => Promise<unknown>;

export class CutProcess {
  /** Names of the calls made so far, such as `PutObjectCommand`. */
  readonly calls: string[] = [];
  /** Resolves when the process has been stopped. */
  readonly stopped: Promise<unknown>;
  private readonly cut: Cut | undefined;
  private readonly stop: () => void;
  private readonly woken: Promise<unknown>;
  /** Lets it go on from where it was stopped. */
  readonly wake: () => void;
  private isStopped = false;

  constructor(cut?: Cut) {
    const stopped = Promise.withResolvers<unknown>();
    const woken = Promise.withResolvers<unknown>();
    this.cut = cut;
    this.stopped = stopped.promise;
    this.woken = woken.promise;
    this.stop = () => {
      this.isStopped = true;
      stopped.resolve(undefined);
    };
    this.wake = () => {
      this.isStopped = false;
      woken.resolve(undefined);
    };
  }

  /** Whether it came to the call at which it was to be cut. */
  get isCut(): boolean {
    return this.cut !== undefined && this.calls.length >= this.cut.at;
  }

  /** The client as this process uses it. */
  client<Client extends Sender>(client: Client): Client {
    // cast: the clients overload `send`; it is called with what the process gave
    const forward = client.send.bind(client) as unknown as Send;
    const send: Send = (command, ...rest) => this.send(command, () => forward(command, ...rest));
    return new Proxy(client, { get: (target, name) => (name === "send" ? send : Reflect.get(target, name)) });
  }

  private async send(command: object, forward: () => Promise<unknown>): Promise<unknown> {
    if (this.isStopped) await this.woken;
    this.calls.push(command.constructor.name);
    const kind = this.calls.length === this.cut?.at ? this.cut.kind : "none";
    if (kind === "refused") throw vendorError("ThrottlingException");
    if (kind === "stopped before") await this.pause();
    const answer = await forward();
    if (kind === "answer lost") throw vendorError("TimeoutError");
    if (kind === "stopped behind") await this.pause();
    return answer;
  }

  private async pause(): Promise<void> {
    this.stop();
    await this.woken;
  }
}

/** Runs with a cut at each call, until a run ends without one; answers the calls of that run. */
export async function cutEverywhere(
  kind: Cut["kind"],
  run: (cut: Cut) => Promise<CutProcess>,
): Promise<readonly string[]> {
  for (let at = 1; at <= MAX_CALLS; at++) {
    const { isCut, calls } = await run({ kind, at });
    if (!isCut) return calls;
  }
  throw new Error(`no end after ${MAX_CALLS} calls`);
}

/** For processes that end early because of what time may heal. */
export function ignorePassing(error: unknown): undefined {
  if (!(error instanceof AuditStorageError && error.retryable)) throw error;
  return undefined;
}
