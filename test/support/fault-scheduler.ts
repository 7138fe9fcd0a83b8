// Runs asynchronous processes one step at a time in an order that a seed decides. A step ends before and after each call
// of a port; there a process may be stopped, for ever or to wake up late, and a call may fail, with its work done or not.
// Works in front of any port, whose own work is waited for: the same seed takes the same way as long as ports answer alike.
import { AuditStorageError } from "#lib/errors.ts";
import type { Random } from "#test/support/seeded-random.ts";
import { below } from "#test/support/seeded-random.ts";

export interface FaultRates {
  /** Of processes chosen for a step, those that are stopped instead. */
  readonly stop: number;
  /** Of the stopped, those that wake up when `wake` is called. */
  readonly late: number;
  /** Of calls, those that fail before their work, and as many that fail behind it. */
  readonly fail: number;
}

/** Puts a port under the scheduler, for one process. Methods answer promises, or streams where STREAMS names them. */
export type GatePort = <Port extends object>(port: Port) => Port;

const STREAMS: ReadonlySet<PropertyKey> = new Set(["list"]);

/** What a waiting call does next. */
type Verdict = "go" | "fail";

interface Process {
  readonly waiting: ((verdict: Verdict) => void)[];
}

export class FaultScheduler {
  /** Errors of processes other than those that time may heal, as made failures are. */
  readonly unexpected: unknown[] = [];
  /** Calls that were made to fail, and processes that were stopped. */
  readonly faults = { failed: 0, stopped: 0, woken: 0 };
  private readonly random: Random;
  private rates: FaultRates;
  private readonly live = new Set<Process>();
  private readonly stopped = new Set<Process>();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(random: Random, rates: FaultRates) {
    this.random = random;
    this.rates = rates;
  }

  get liveCount(): number {
    return this.live.size;
  }

  /** Begins a process, which reaches its first call. It may reach the world only through ports that it has put under `gate`. */
  async start(run: (gate: GatePort) => Promise<unknown>): Promise<void> {
    const process: Process = { waiting: [] };
    this.live.add(process);
    const end = (): void => {
      this.live.delete(process);
      this.stopped.delete(process);
    };
    run((port) => this.gate(port, process)).then(end, (error: unknown) => {
      end();
      const isPassing = error instanceof AuditStorageError && error.retryable;
      if (!isPassing) this.unexpected.push(error);
    });
    await this.settle();
  }

  /** Lets one process, chosen at random, make one step, or stops it. */
  async step(): Promise<void> {
    const chosen = [...this.live][below(this.random, this.live.size)];
    if (chosen === undefined) return;
    if (this.random() < this.rates.stop) this.stop(chosen);
    else {
      const [release] = chosen.waiting.splice(below(this.random, chosen.waiting.length), 1);
      if (release === undefined) throw new Error("a process waits for something that is no port");
      release(this.random() < this.rates.fail ? "fail" : "go");
    }
    await this.settle();
  }

  /** Lets all live processes end, in random order. */
  async finish(): Promise<void> {
    while (this.live.size > 0) await this.step();
  }

  /** No faults from now on. */
  calm(): void {
    this.rates = { stop: 0, late: 0, fail: 0 };
  }

  /** Makes live again those that were stopped to wake up late. */
  wake(): void {
    this.faults.woken += this.stopped.size;
    for (const process of this.stopped) this.live.add(process);
    this.stopped.clear();
  }

  /** Work of a process that is no part of its way: all others wait until it is done. */
  async aside<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const working = (async (): Promise<Result> => work())();
    this.underWay.add(working);
    try {
      return await working;
    } finally {
      this.underWay.delete(working);
    }
  }

  private stop(process: Process): void {
    this.faults.stopped++;
    this.live.delete(process);
    if (this.random() < this.rates.late) this.stopped.add(process);
  }

  private gate<Port extends object>(port: Port, process: Process): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        const call = (args: readonly unknown[]): unknown => Reflect.apply(member, target, args);
        if (STREAMS.has(name))
          return (...args: readonly unknown[]) =>
            this.gatedStream(process, () => call(args) as AsyncIterable<unknown>);
        return (...args: readonly unknown[]) => this.gatedCall(process, () => call(args));
      },
    });
  }

  private async gatedCall(process: Process, work: () => unknown): Promise<unknown> {
    await this.reach(process);
    const result = await this.aside(work);
    await this.reach(process);
    return result;
  }

  private async *gatedStream(process: Process, open: () => AsyncIterable<unknown>): AsyncIterable<unknown> {
    const entries = open()[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.gatedCall(process, () => entries.next());
      const { done, value } = next as IteratorResult<unknown>;
      if (done === true) return;
      yield value;
    }
  }

  /** Waits until the process is chosen; rejects where this call is to fail. */
  private async reach(process: Process): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    process.waiting.push(resolve);
    if ((await promise) === "go") return;
    this.faults.failed++;
    throw new AuditStorageError("storage-unavailable", "made to fail", { retryable: true });
  }

  /** Until every process waits at a gate or has ended. */
  private async settle(): Promise<void> {
    await new Promise(setImmediate);
    while (this.underWay.size > 0) {
      await Promise.allSettled(this.underWay);
      await new Promise(setImmediate);
    }
  }
}
