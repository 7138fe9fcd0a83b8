// Consumers, janitors and sealers, the real ones, over shared ports under a fault scheduler: interleaved at random, cut off
// at any call, woken late, with lost responses, duplicates, conflicts, and writes of batch objects that arrive long after.
// Afterwards the log must hold what the guarantees promise, and have held it in every state that was ever published.
import { hash } from "node:crypto";

import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createBatchSealSource } from "#service/batch-seal-source.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import { createBatchSurvey } from "#service/inventory-batches.ts";
import { createOrphanRemoval, writeOrphans } from "#service/janitor-orphans.ts";
import { createJanitor } from "#service/janitor.ts";
import type { StagedObject } from "#service/log-ports.ts";
import { createPersist } from "#service/persist.ts";
import type { Clock } from "#service/ports.ts";
import type { SealReport } from "#service/seal.ts";
import { createSealer } from "#service/seal.ts";
import { freshTenant, sampleLine } from "#test/contract/sample-lines.ts";
import type { FaultRates, GatePort } from "#test/support/fault-scheduler.ts";
import { FaultScheduler } from "#test/support/fault-scheduler.ts";
import type { Message } from "#test/support/persistence-simulation.ts";
import { oneByOne, randomMessages } from "#test/support/persistence-simulation.ts";
import { findSealingProblems } from "#test/support/sealing-checks.ts";
import type { MutateSealer, Replica, SealerPorts, SharedPorts } from "#test/support/sealing-ports.ts";
import { openSharedPorts, splitLedger } from "#test/support/sealing-ports.ts";
import { TEST_KEYS } from "#test/support/sealing-signers.ts";
import type { Random } from "#test/support/seeded-random.ts";
import { below, seededRandom } from "#test/support/seeded-random.ts";

export interface SealingSimulation {
  readonly seed: number;
  readonly mutate?: MutateSealer;
  /** @default 3 of 100 calls are the last of their process, and 2 fail */
  readonly rates?: FaultRates;
}

export interface SealingOutcome {
  readonly seed: number;
  /** What is not as promised; empty in a good run. */
  readonly problems: readonly string[];
  /** What the run met, to see that it met anything. */
  readonly met: Readonly<Record<string, number>>;
}

type Role = "consumer" | "sealer" | "janitor" | "late";

/** There is a step before and one behind each call. */
const RATES: FaultRates = { stop: 0.015, late: 0.5, fail: 0.01 };
const STEPS = 3000;
/** Steps without faults after which a process is taken to go round in circles. */
const MAX_CALM_STEPS = 30_000;
const MAX_EVENTS = 40;
const MAX_LIVE: Readonly<Record<Role, number>> = { consumer: 4, sealer: 3, janitor: 1, late: 1 };
const ROLES: readonly Role[] = Array.from({ length: 24 }, (_, index) => {
  if (index === 0) return "janitor";
  if (index === 1) return "late";
  return index < 10 ? "consumer" : "sealer";
});
const START_RATE = 0.4;
const LATE_RATE = 0.1;
const DELIVERY_RATE = 0.4;
const BEGINNING_MS = Date.parse("2026-03-01T23:40:00.000Z");
/** In all: what is stored late is stored within the hour that the janitor looks back. */
const MAX_CHAOS_MS = 50 * 60_000;
const MAX_PAUSE_MS = 20_000;
const PAUSE_RATE = 0.1;
const LATER_MS = 21 * 60_000;
const MAX_ROUNDS = 3;
/** Events that are persisted beforehand; so many that the leaves of all fill a tile. */
const OLD_LINES: readonly PreparedLine[] = Array.from({ length: 254 }, (_, index) =>
  sampleLine({ tenant_id: freshTenant(), event_id: `old-${index}` }),
);
/** Of these in batches of one line, so that sealers have something to race for from the beginning. */
const SMALL_BATCHES = 16;

export async function simulateSealing(simulation: SealingSimulation): Promise<SealingOutcome> {
  const run = new Run(simulation);
  try {
    await run.chaos();
    await run.quiet();
    return await run.outcome();
  } catch (error) {
    return { seed: simulation.seed, problems: [`the end cannot be judged: ${String(error)}`], met: {} };
  }
}

class Run {
  private readonly simulation: SealingSimulation;
  private readonly random: Random;
  private readonly ports: SharedPorts;
  private readonly scheduler: FaultScheduler;
  private readonly messages: readonly Message[];
  private readonly old: readonly PreparedLine[];
  private readonly problems: string[] = [];
  private readonly conflictKey: Uint8Array;
  private readonly newBatchId: () => string;
  private readonly removesStaging: boolean;
  private readonly maxLeaves: number;
  private readonly live: Record<Role, number> = { consumer: 0, sealer: 0, janitor: 0, late: 0 };
  private readonly clock: Clock = { nowMs: () => this.nowMs };
  private nowMs = BEGINNING_MS;
  /** Messages that are there to be delivered: they come all along. */
  private sent = 0;
  private readonly replica: Replica = { pending: [] };
  private readonly met: Record<string, number> = {};

  constructor(simulation: SealingSimulation) {
    const random = seededRandom(simulation.seed);
    this.simulation = simulation;
    this.random = random;
    this.ports = openSharedPorts(random, this.clock);
    this.scheduler = new FaultScheduler(random, simulation.rates ?? RATES);
    this.messages = randomMessages(random, MAX_EVENTS);
    this.old = random() < 0.5 ? OLD_LINES.slice(-SMALL_BATCHES) : OLD_LINES.slice(below(random, 15));
    this.removesStaging = random() < 0.5;
    this.maxLeaves = 1 + below(random, 4);
    this.conflictKey = Buffer.from(hash("sha256", `conflict key ${simulation.seed}`), "hex");
    const fillRandom = (bytes: Buffer): unknown => bytes.fill(below(random, 2 ** 32).toString(16));
    this.newBatchId = createIdentifiers({ nowMs: this.clock.nowMs, fillRandom }).newEventId;
  }

  async chaos(): Promise<void> {
    await this.persistOld();
    for (let step = 0; step < STEPS; step++) {
      this.sent = Math.ceil((this.messages.length * (step + 1)) / STEPS);
      if (this.random() < START_RATE) await this.startOne();
      if (this.random() < PAUSE_RATE)
        this.nowMs = Math.min(this.nowMs + below(this.random, MAX_PAUSE_MS), BEGINNING_MS + MAX_CHAOS_MS);
      await this.scheduler.step();
    }
  }

  /** Without further faults: what waits is delivered until it is acknowledged, then the stalled wake up. */
  async quiet(): Promise<void> {
    this.scheduler.calm();
    for (let round = 0; round < MAX_ROUNDS && this.waiting().length > 0; round++) {
      await this.startConsumer(this.waiting());
      await this.finish();
    }
    await this.round();
    this.scheduler.wake();
    await this.finish();
    for (const object of this.ports.batchPuts) if (this.random() < LATE_RATE) await this.startLate(object);
    await this.finish();
    await this.round();
    await this.round();
  }

  async outcome(): Promise<SealingOutcome> {
    const { seed } = this.simulation;
    const lost = this.waiting().length;
    if (lost > 0) this.problems.push(`${lost} messages were never acknowledged`);
    for (const error of this.scheduler.unexpected) this.problems.push(`a process failed: ${String(error)}`);
    const wanted = [...this.old, ...this.messages.flatMap(({ lines }) => lines)];
    this.problems.push(...(await findSealingProblems(this.ports, wanted, this.conflictKey)));
    return {
      seed,
      problems: this.problems,
      met: { ...this.met, ...this.ports.swaps, ...this.scheduler.faults },
    };
  }

  /** Lets all live processes end. */
  private async finish(): Promise<void> {
    for (let step = 0; this.scheduler.liveCount > 0; step++) {
      if (step === MAX_CALM_STEPS) throw new Error(`a process does not end within ${MAX_CALM_STEPS} steps`);
      await this.scheduler.step();
    }
  }

  /** A janitor and two sealers, one after the other, some time later. */
  private async round(): Promise<void> {
    this.nowMs += LATER_MS;
    for (const start of [() => this.startJanitor(), () => this.startSealer(), () => this.startSealer()]) {
      await start();
      await this.finish();
    }
  }

  private waiting(): readonly Message[] {
    return this.messages.slice(0, this.sent).filter(({ isAcknowledged }) => !isAcknowledged);
  }

  private async persistOld(): Promise<void> {
    const persist = createPersist({ ...this.ports, ...this.identity() });
    await persist(this.old.slice(0, -SMALL_BATCHES));
    for (const line of this.old.slice(-SMALL_BATCHES)) await persist([line]);
  }

  private async startOne(): Promise<void> {
    const role = ROLES[below(this.random, ROLES.length)] ?? "sealer";
    if (this.live[role] >= MAX_LIVE[role]) return;
    if (role === "sealer") return this.startSealer();
    if (role === "janitor") return this.startJanitor();
    if (role === "late") {
      const object = this.ports.batchPuts[below(this.random, this.ports.batchPuts.length)];
      return object === undefined ? undefined : this.startLate(object);
    }
    const delivered = this.waiting().filter(() => this.random() < DELIVERY_RATE);
    if (delivered.length > 0) await this.startConsumer(delivered);
  }

  private async start(role: Role, run: (gate: GatePort) => Promise<void>): Promise<void> {
    this.meet(role);
    this.live[role]++;
    await this.scheduler.start((gate) => run(gate).finally(() => void this.live[role]--));
  }

  private startConsumer(messages: readonly Message[]): Promise<void> {
    return this.start("consumer", async (gate) => {
      const persist = createPersist({ ...this.gated(gate), ...this.identity() });
      const report = await persist(messages.flatMap(({ lines }) => lines));
      this.meet("duplicates", report.duplicates);
      this.meet("conflicts", report.conflicts);
      for (const message of messages) message.isAcknowledged = true;
    });
  }

  private startJanitor(): Promise<void> {
    return this.start("janitor", async (gate) => {
      const ports = { ...this.gated(gate), ...this.identity() };
      const report = await createJanitor({ ...ports, complete: createCompleteBatch(ports) })();
      this.meet("completed", report.completed);
      for (const { subject, error } of report.problems)
        if (!error.retryable) this.problems.push(`the janitor met ${subject}: ${error.message}`);
      const sealing = splitLedger(gate(this.ports.sealing));
      const survey = await createBatchSurvey({ ...ports, sealing })();
      await writeOrphans(ports.ledger, survey.orphans);
      this.meet("orphans", survey.orphans.length);
    });
  }

  private startSealer(): Promise<void> {
    return this.start("sealer", async (gate) => {
      const { log, archive, sealing } = this.ports;
      const plain: SealerPorts = {
        log: gate(log),
        store: gate(archive),
        sealing: splitLedger(gate(sealing)),
      };
      const ports = this.simulation.mutate?.(plain, this.replica) ?? plain;
      const source = createBatchSealSource({
        archive: ports.store,
        ledger: ports.sealing,
        ...this.identity(),
        maxLeaves: this.maxLeaves,
      });
      const sealer = createSealer({
        ledger: ports.log,
        store: ports.store,
        source,
        ...TEST_KEYS,
        signers: TEST_KEYS.signers.map(gate),
        cosigner: gate(TEST_KEYS.cosigner),
        witnesses: [],
        clock: this.clock,
        removesStaging: this.removesStaging,
      });
      this.count(await sealer.run());
      const { ledger } = this.ports;
      const orphans = await createOrphanRemoval({ store: plain.store, ledger: gate(ledger) })();
      this.meet("orphansRemoved", orphans.removed.length);
      for (const { batchId, reason } of orphans.kept)
        this.problems.push(`orphan ${batchId} is kept: ${reason}`);
    });
  }

  /** A write of a batch object that was on its way for long: the store has taken it once already. */
  private startLate({ key, bytes }: StagedObject): Promise<void> {
    return this.start("late", async (gate) => {
      await gate(this.ports.archive).putIfAbsent(key, bytes);
    });
  }

  private count(report: SealReport): void {
    for (const name of ["seals", "swapsLost", "replays"] as const) this.meet(name, report[name]);
    this.meet("renewals", report.isFreshnessRenewed ? 1 : 0);
    for (const { subject, problem } of report.problems)
      this.problems.push(`a sealer met ${subject}: ${problem}`);
  }

  private meet(name: string, count = 1): void {
    if (count > 0) this.met[name] = (this.met[name] ?? 0) + count;
  }

  private identity(): { conflictKey: Uint8Array; newBatchId: () => string; clock: Clock } {
    const { conflictKey, newBatchId, clock } = this;
    return { conflictKey, newBatchId, clock };
  }

  /** The ports as a process other than a sealer sees them. */
  private gated(
    gate: GatePort,
  ): Pick<SharedPorts, "archive" | "ledger"> & { table: ReturnType<typeof oneByOne> } {
    const { archive, table, ledger } = this.ports;
    return { archive: gate(archive), table: oneByOne(gate(table)), ledger: gate(ledger) };
  }
}
