// Consumers and janitors, the real ones, over shared ports under a fault scheduler: interleaved at random, cut off at any
// call, woken late, with lost responses, redelivery in other groupings, duplicates and conflicts. Afterwards, and whenever
// lines are acknowledged, the ports must say what the guarantees promise.
import { hash } from "node:crypto";

import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import { createJanitor } from "#service/janitor.ts";
import { createPersist } from "#service/persist.ts";
import type { Archive, Clock, EventTable, InsertOutcome, Ledger } from "#service/ports.ts";
import { freshTenant, sampleLine } from "#test/contract/sample-lines.ts";
import type { FaultRates, GatePort } from "#test/support/fault-scheduler.ts";
import { FaultScheduler } from "#test/support/fault-scheduler.ts";
import type { StandingItem } from "#test/support/persistence-checks.ts";
import { findProblems, findUnregistered } from "#test/support/persistence-checks.ts";
import type { Random } from "#test/support/seeded-random.ts";
import { below, seededRandom } from "#test/support/seeded-random.ts";

export interface PersistencePorts {
  readonly archive: Archive;
  readonly table: EventTable;
  readonly ledger: Ledger;
}

/** The ports of one run, empty. */
export interface SimulatedPorts extends PersistencePorts {
  /** All that stands in the table. */
  readonly readItems: () => Promise<readonly StandingItem[]>;
  readonly close: () => Promise<void>;
}

export type Role = "consumer" | "janitor";

/** @param shared the ports themselves, which no fault reaches */
export type Mutate = (ports: PersistencePorts, role: Role, shared: SimulatedPorts) => PersistencePorts;

export interface Simulation {
  readonly seed: number;
  readonly openPorts: (random: Random) => Promise<SimulatedPorts>;
  /** Puts a defect into the ports that one process uses. */
  readonly mutate?: Mutate;
  /** @default DEFAULT_SIZE */
  readonly size?: { readonly maxEvents: number; readonly steps: number };
}

export interface SimulationOutcome {
  readonly seed: number;
  /** What is not as promised; empty in a good run. */
  readonly problems: readonly string[];
  /** What the run met, to see that it met anything. */
  readonly met: Readonly<Record<string, number>>;
}

export interface Message {
  readonly lines: readonly PreparedLine[];
  isAcknowledged: boolean;
}

const RATES: FaultRates = { stop: 0.02, late: 0.5, fail: 0.02 };
const DEFAULT_SIZE = { maxEvents: 5, steps: 240 };
const MAX_LIVE = 4;
const START_RATE = 0.3;
const CONSUMER_RATE = 0.7;
const DELIVERY_RATE = 0.5;
const BEGINNING_MS = Date.parse("2026-03-01T23:40:00.000Z");
/** In all: what is stored late is stored within the hour that the janitor looks back. */
const MAX_CHAOS_MS = 50 * 60_000;
const MAX_PAUSE_MS = 6 * 60_000;
const PAUSE_RATE = 0.1;
const LATER_MS = 16 * 60_000;
const MAX_ROUNDS = 3;

export async function simulatePersistence(simulation: Simulation): Promise<SimulationOutcome> {
  const random = seededRandom(simulation.seed);
  const ports = await simulation.openPorts(random);
  try {
    const run = new Run(simulation, ports, random);
    await run.chaos();
    await run.quiet();
    return await run.outcome();
  } finally {
    await ports.close();
  }
}

class Run {
  private readonly simulation: Simulation;
  private readonly ports: SimulatedPorts;
  private readonly random: Random;
  private readonly scheduler: FaultScheduler;
  private readonly messages: readonly Message[];
  private readonly problems: string[] = [];
  private readonly conflictKey: Uint8Array;
  private readonly newBatchId: () => string;
  private nowMs = BEGINNING_MS;
  private readonly met = {
    consumers: 0,
    janitors: 0,
    completedByOthers: 0,
    duplicates: 0,
    conflicts: 0,
    unindexed: 0,
    indexedLater: 0,
  };

  constructor(simulation: Simulation, ports: SimulatedPorts, random: Random) {
    const { seed, size = DEFAULT_SIZE } = simulation;
    this.simulation = simulation;
    this.ports = ports;
    this.random = random;
    this.scheduler = new FaultScheduler(random, RATES);
    this.messages = randomMessages(random, size.maxEvents);
    this.conflictKey = Buffer.from(hash("sha256", `conflict key ${seed}`), "hex");
    const fillRandom = (bytes: Buffer): unknown => bytes.fill(below(random, 2 ** 32).toString(16));
    this.newBatchId = createIdentifiers({ nowMs: () => this.nowMs, fillRandom }).newEventId;
  }

  async chaos(): Promise<void> {
    const { steps } = this.simulation.size ?? DEFAULT_SIZE;
    for (let step = 0; step < steps; step++) {
      if (this.scheduler.liveCount < MAX_LIVE && this.random() < START_RATE) await this.startOne();
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
      await this.scheduler.finish();
    }
    await this.janitorRound();
    this.scheduler.wake();
    await this.scheduler.finish();
    await this.janitorRound();
    await this.janitorRound();
  }

  async outcome(): Promise<SimulationOutcome> {
    const { seed } = this.simulation;
    const lost = this.waiting().length;
    if (lost > 0) this.problems.push(`${lost} messages were never acknowledged`);
    for (const error of this.scheduler.unexpected) this.problems.push(`a process failed: ${String(error)}`);
    const wanted = this.messages.flatMap(({ lines }) => lines);
    this.problems.push(...(await findProblems(this.ports, wanted, this.conflictKey)));
    return { seed, problems: this.problems, met: { ...this.met, ...this.scheduler.faults } };
  }

  private async janitorRound(): Promise<void> {
    this.nowMs += LATER_MS;
    await this.startJanitor();
    await this.scheduler.finish();
  }

  private waiting(): readonly Message[] {
    return this.messages.filter(({ isAcknowledged }) => !isAcknowledged);
  }

  private async startOne(): Promise<void> {
    if (this.random() >= CONSUMER_RATE) return this.startJanitor();
    const delivered = this.waiting().filter(() => this.random() < DELIVERY_RATE);
    if (delivered.length > 0) await this.startConsumer(delivered);
  }

  private async startConsumer(messages: readonly Message[]): Promise<void> {
    this.met.consumers++;
    await this.scheduler.start(async (gate) => {
      const { conflictKey, newBatchId } = this;
      const persist = createPersist({ ...this.gated(gate, "consumer"), conflictKey, newBatchId });
      const lines = messages.flatMap((message) => message.lines);
      const report = await persist(lines);
      if (report.stored + report.duplicates + report.conflicts !== lines.length)
        this.problems.push(`the report does not add up: ${JSON.stringify(report)}`);
      this.met.duplicates += report.duplicates;
      this.met.conflicts += report.conflicts;
      this.met.unindexed += report.unindexed;
      this.met.completedByOthers += report.completedBatches;
      for (const message of messages) message.isAcknowledged = true;
      const findLost = (): Promise<readonly string[]> => findUnregistered(this.ports, lines);
      this.problems.push(...(await this.scheduler.aside(findLost)));
    });
  }

  private async startJanitor(): Promise<void> {
    this.met.janitors++;
    const clock: Clock = { nowMs: () => this.nowMs };
    await this.scheduler.start(async (gate) => {
      const ports = { ...this.gated(gate, "janitor"), conflictKey: this.conflictKey };
      const janitor = createJanitor({ ...ports, clock, complete: createCompleteBatch(ports) });
      const report = await janitor();
      this.met.completedByOthers += report.completed;
      this.met.indexedLater += report.indexed;
      for (const { subject, error } of report.problems)
        if (!error.retryable) this.problems.push(`the janitor met ${subject}: ${error.message}`);
    });
  }

  /** The ports as one process sees them. */
  private gated(gate: GatePort, role: Role): PersistencePorts {
    const { archive, table, ledger } = this.ports;
    const gated = { archive: gate(archive), table: oneByOne(gate(table)), ledger: gate(ledger) };
    return this.simulation.mutate?.(gated, role, this.ports) ?? gated;
  }
}

/** Cut off in the midst of an insert, a process leaves some of its entries standing. */
export function oneByOne(table: EventTable): EventTable {
  return {
    insert: async (entries) => {
      const outcomes: InsertOutcome[] = [];
      for (const entry of entries) outcomes.push(...(await table.insert([entry])));
      return outcomes;
    },
    index: (entries) => table.index(entries),
    noteConflict: (conflict) => table.noteConflict(conflict),
  };
}

/** A few events of two tenants, some sent again with the same or other content, in messages of a few lines. */
export function randomMessages(random: Random, maxEvents: number): readonly Message[] {
  const tenants = [freshTenant(), freshTenant()];
  const lines: PreparedLine[] = [];
  for (let event = 0, events = 2 + below(random, maxEvents - 1); event < events; event++) {
    const tenant_id = tenants[below(random, 2)];
    for (let copy = 0, copies = 1 + below(random, 3); copy < copies; copy++) {
      const message = copy > 0 && random() < 0.3 ? `other ${below(random, 2)}` : "first";
      lines.splice(
        below(random, lines.length + 1),
        0,
        sampleLine({ tenant_id, event_id: `e${event}`, message }),
      );
    }
  }
  const messages: Message[] = [];
  while (lines.length > 0)
    messages.push({ lines: lines.splice(0, 1 + below(random, 3)), isAcknowledged: false });
  return messages;
}
