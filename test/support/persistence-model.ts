// A model of how lines are persisted and sealed, apart from all real code: consumers, janitors and sealers take turns at
// random, and may be stopped for ever at each step. It says for the protocol, and for four tempting variants of it, in
// which runs an event was lost or sealed twice. A step is what happens between two `yield`s: one input or output.
import type { Random } from "#test/support/seeded-random.ts";
import { below, seededRandom } from "#test/support/seeded-random.ts";

/**
 * `protocol`: as it is. `item-first`: items before the batch object, which redelivered lines fill later. `look-only`: who
 * completes a batch of another only looks at what stands. `rows-deleted`: pending rows are the only record, and go when
 * sealed. `no-replay`: a sealer does not first finish what the last one began.
 */
export type Variant = "protocol" | "item-first" | "look-only" | "rows-deleted" | "no-replay";
export const VARIANTS: readonly Variant[] = [
  "protocol",
  "item-first",
  "look-only",
  "rows-deleted",
  "no-replay",
];

/** What a run did to its events. */
export interface ModelOutcome {
  readonly lost: number;
  /** Sealed more than once. */
  readonly doubled: number;
}

type Process = Generator<undefined, undefined>;

interface Message {
  readonly id: number;
  readonly content: string;
  isAcknowledged: boolean;
}

interface Place {
  readonly batch: number;
  readonly line: number;
}

interface Item extends Place {
  readonly content: string;
}

interface Row {
  readonly winners: readonly number[];
  isSealed: boolean;
}

interface Checkpoint {
  readonly size: number;
  readonly segment: string | undefined;
}

const MAX_STEPS = 250;
const MAX_LIVE = 4;
const SPAWN_RATE = 0.5;
const CRASH_RATE = 0.04;
const DELIVERY_RATE = 0.6;

export function runModel(variant: Variant, seed: number): ModelOutcome {
  const random = seededRandom(seed);
  const world = new World(variant, random);
  const live: Process[] = [];
  for (let step = 0; step < MAX_STEPS; step++) {
    if (live.length < MAX_LIVE && random() < SPAWN_RATE) live.push(...world.spawn());
    if (live.length === 0) continue;
    const chosen = below(random, live.length);
    if (random() < CRASH_RATE || live[chosen]?.next().done === true) live.splice(chosen, 1);
  }
  world.redeliverAll(6);
  for (const stalled of live) finish(stalled); // they wake up late
  world.redeliverAll(3);
  return world.outcome();
}

function finish(process: Process): void {
  while (process.next().done !== true);
}

class World {
  private readonly variant: Variant;
  private readonly random: Random;
  private readonly messages: readonly Message[];
  private readonly objects = new Map<number, readonly Message[]>();
  private readonly items = new Map<string, Item>();
  private readonly rows = new Map<number, Row>();
  private readonly pending = new Map<number, readonly number[]>();
  private readonly segments = new Map<string, readonly number[]>();
  private checkpoint: Checkpoint = { size: 0, segment: undefined };
  private readonly log: Message[] = [];
  private nextBatch = 0;

  constructor(variant: Variant, random: Random) {
    this.variant = variant;
    this.random = random;
    this.messages = randomMessages(random);
  }

  spawn(): readonly Process[] {
    const choice = this.random();
    if (choice < 0.6) {
      const delivered = this.messages.filter((m) => !m.isAcknowledged && this.random() < DELIVERY_RATE);
      return delivered.length === 0 ? [] : [this.consumer(delivered)];
    }
    if (choice < 0.75 && this.variant !== "item-first") return [this.janitor()];
    return [this.sealer()];
  }

  redeliverAll(rounds: number): void {
    for (let round = 0; round < rounds; round++) {
      const left = this.messages.filter(({ isAcknowledged }) => !isAcknowledged);
      if (left.length > 0) finish(this.consumer(left));
      if (this.variant !== "item-first") finish(this.janitor());
      finish(this.sealer());
    }
  }

  outcome(): ModelOutcome {
    const counts = new Map(this.messages.map((message) => [contentKey(message), 0]));
    for (const message of this.log)
      counts.set(contentKey(message), (counts.get(contentKey(message)) ?? 0) + 1);
    const sealed = [...counts.values()];
    return { lost: sealed.filter((n) => n === 0).length, doubled: sealed.filter((n) => n > 1).length };
  }

  private *consumer(messages: readonly Message[]): Process {
    const batch = this.nextBatch++;
    if (this.variant === "item-first") yield* this.persistItemsFirst(batch, messages);
    else yield* this.persist(batch, messages);
    for (const message of messages) message.isAcknowledged = true;
  }

  private *persist(batch: number, messages: readonly Message[]): Process {
    const lines = [...new Map(messages.toReversed().map((m) => [contentKey(m), m])).values()].toReversed();
    yield;
    this.objects.set(batch, lines);
    yield;
    const winners: number[] = [];
    const others = new Set<number>();
    for (const [line, message] of lines.entries()) {
      const standing = this.place(message, { batch, line });
      yield;
      if (standing.batch === batch && standing.line === line) winners.push(line);
      else others.add(standing.batch);
    }
    for (const other of others) {
      const isRegistered = this.isRegistered(other);
      yield;
      if (!isRegistered) yield* this.complete(other);
    }
    this.register(batch, winners);
    yield;
  }

  private *persistItemsFirst(batch: number, messages: readonly Message[]): Process {
    const own: Message[] = [];
    const others = new Map<number, Message[]>();
    for (const message of messages) {
      const standing = this.place(message, { batch, line: own.length });
      yield;
      if (standing.batch === batch) own.push(message);
      else others.set(standing.batch, [...(others.get(standing.batch) ?? []), message]);
    }
    yield;
    if (own.length > 0) others.set(batch, own);
    for (const [other, lines] of [...others].toSorted(([a], [b]) => b - a)) {
      if (!this.objects.has(other)) this.objects.set(other, lines);
      yield;
      if (!this.isRegistered(other)) this.register(other, [...(this.objects.get(other) ?? []).keys()]);
    }
  }

  private *complete(batch: number): Process {
    const lines = this.objects.get(batch);
    yield;
    if (lines === undefined) return;
    const winners: number[] = [];
    for (const [line, message] of lines.entries()) {
      const isLooking = this.variant === "look-only";
      const standing = isLooking ? this.find(message) : this.place(message, { batch, line });
      if (!isLooking) yield;
      if (standing?.batch === batch && standing.line === line) winners.push(line);
    }
    if (this.variant === "look-only") yield;
    this.register(batch, winners);
    yield;
  }

  private *janitor(): Process {
    for (const batch of this.objects.keys()) {
      const isRegistered = this.isRegistered(batch);
      yield;
      if (!isRegistered) yield* this.complete(batch);
    }
  }

  private *sealer(): Process {
    const checkpoint = this.checkpoint;
    yield;
    if (this.variant !== "no-replay") yield* this.replay(checkpoint);
    const taken = [...this.pending].filter(([batch]) => this.mayBeSealed(batch));
    yield;
    if (taken.length === 0) return;
    const leaves: Message[] = [];
    for (const [batch, winners] of taken) {
      leaves.push(...(this.objects.get(batch) ?? []).filter((_, line) => winners.includes(line)));
      yield;
    }
    const size = checkpoint.size + leaves.length;
    const segment = `${size}-${this.random()}`;
    this.segments.set(
      segment,
      taken.map(([batch]) => batch),
    );
    yield;
    if (this.checkpoint !== checkpoint) return;
    this.checkpoint = { size, segment };
    this.log.push(...leaves);
    yield;
    yield* this.replay(this.checkpoint);
  }

  /** Notes what a checkpoint covers; repeated by the next sealer, since this one may be stopped before its end. */
  private *replay({ segment }: Checkpoint): Process {
    for (const batch of this.segments.get(segment ?? "") ?? []) {
      const row = this.rows.get(batch);
      if (row !== undefined) row.isSealed = true;
      yield;
      this.pending.delete(batch);
      yield;
    }
  }

  private mayBeSealed(batch: number): boolean {
    return this.variant === "rows-deleted" || this.rows.get(batch)?.isSealed === false;
  }

  private isRegistered(batch: number): boolean {
    return this.variant === "rows-deleted" ? this.pending.has(batch) : this.rows.has(batch);
  }

  private register(batch: number, winners: readonly number[]): void {
    if (this.isRegistered(batch)) return;
    if (this.variant !== "rows-deleted") this.rows.set(batch, { winners, isSealed: false });
    this.pending.set(batch, winners);
  }

  /** Where the content of a message stands, which is where it was put unless it stood elsewhere. */
  private place(message: Message, place: Place): Place {
    const item = { ...place, content: message.content };
    const first = this.insert(String(message.id), item);
    return first.content === message.content ? first : this.insert(contentKey(message), item);
  }

  private insert(key: string, item: Item): Item {
    const standing = this.items.get(key) ?? item;
    this.items.set(key, standing);
    return standing;
  }

  private find(message: Message): Place | undefined {
    const first = this.items.get(String(message.id));
    return first === undefined || first.content === message.content
      ? first
      : this.items.get(contentKey(message));
  }
}

/** Few events, some sent twice, and of those some with other content. */
function randomMessages(random: Random): readonly Message[] {
  const messages: Message[] = [];
  for (let id = 0, ids = 2 + below(random, 4); id < ids; id++) {
    for (let copy = 0, copies = 1 + below(random, 2); copy < copies; copy++) {
      const content = random() < 0.25 && copy > 0 ? "other" : "first";
      messages.push({ id, content, isAcknowledged: false });
    }
  }
  return messages;
}

function contentKey({ id, content }: Message): string {
  return `${id}!${content}`;
}
