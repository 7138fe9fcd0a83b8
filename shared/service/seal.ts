/**
 * The sealer: gives accepted lines their leaves in the log. Any number may run at once, be stopped at any call and wake up
 * late; one compare-and-swap of the head decides, and whatever follows it can be done by anybody, again. Why each step is
 * where it is: docs/adr/0011-sealing.md.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { logDiverged } from "#service/log-diverged.ts";
import { HASHER } from "#service/native-hash.ts";
import { createLogIdentity } from "#service/log-identity.ts";
import type { LogIdentity, LogKeys, OwnCheckpoint } from "#service/log-identity.ts";
import type { LogLedger, LogStore, SealInput, SealProblem, SealSource, Witness } from "#service/log-ports.ts";
import type { Clock } from "#service/ports.ts";
import {
  addSignatures,
  isFreshnessDue,
  publishCheckpoint,
  publishKeys,
  renewFreshness,
} from "#service/publish-checkpoint.ts";
import { publishStaged, putSealed, readStaging } from "#service/seal-replay.ts";
import type { CommittedHead, LogState } from "#service/seal-state.ts";
import { readLogState } from "#service/seal-state.ts";
import { buildSeal, readEdge } from "#service/seal-step.ts";
import type { AskWitnesses } from "#service/seal-witness.ts";
import { createAskWitnesses } from "#service/seal-witness.ts";

export interface SealerDeps extends LogKeys {
  readonly ledger: LogLedger;
  readonly store: LogStore;
  readonly source: SealSource;
  /** undefined: others ask them, and have published their keys. */
  readonly witnesses: readonly Witness[] | undefined;
  readonly clock: Clock;
  /** No seal is begun after so long. @default 45,000: a run every minute should have ended before the next */
  readonly maxRunMs?: number;
  /** Whether a staging object is removed once the next is published; elsewhere a lifecycle rule does it. @default false */
  readonly removesStaging?: boolean;
}

export interface Sealer {
  /**
   * Publishes what was committed to and not published, then seals until no line is without a leaf.
   * @throws AuditStorageError `log-diverged` where what is stored contradicts what was signed: nothing was changed, and a
   *   human must look; `storage-unavailable`. What was sealed before stays sealed, and the next run goes on
   */
  run(): Promise<SealReport>;
}

export interface SealReport {
  /** Leaves that this run added to the log. */
  readonly leaves: number;
  readonly seals: number;
  /** Of the log when the run ended. */
  readonly size: number;
  readonly publishedSize: number;
  /** Seals that another sealer made superfluous, or of which it is not known. */
  readonly swapsLost: number;
  /** Seals of others, or of earlier runs, that this run published to their end. */
  readonly replays: number;
  /** When the oldest line was accepted that this run sealed, in milliseconds since 1970. */
  readonly oldestMs: number | undefined;
  /** Longest time from acceptance of a line to the publication that covers it. */
  readonly coverLagMs: number | undefined;
  readonly isFreshnessRenewed: boolean;
  /** What was passed over and waits for a human. */
  readonly problems: readonly SealProblem[];
  /** By name of the witness. */
  readonly witnessProblems: readonly SealProblem[];
  /** Whether there was nothing more to seal; otherwise the next run goes on. */
  readonly isFinished: boolean;
}

const DEFAULT_MAX_RUN_MS = 45_000;
/** Swaps lost in a row after which others are clearly at work. */
const MAX_SWAPS_LOST = 5;

export function createSealer(deps: SealerDeps): Sealer {
  const tools: Tools = {
    ...deps,
    identity: createLogIdentity(deps),
    ask: createAskWitnesses({ ...deps, witnesses: deps.witnesses ?? [] }),
    memory: { areKeysPublished: false, tidied: undefined, lacksWitness: false },
  };
  return { run: () => new Run(tools).all() };
}

/** What an earlier run of this process has seen to; only saves work. */
interface Memory {
  areKeysPublished: boolean;
  /** Staging object of the head whose batches are known to be removed. */
  tidied: string | undefined;
  /** Whether a witness did not cosign when it was asked last. */
  lacksWitness: boolean;
}

interface Tools extends SealerDeps {
  readonly identity: LogIdentity;
  readonly ask: AskWitnesses;
  readonly memory: Memory;
}

/** One run and what it has done so far. */
class Run {
  private readonly tools: Tools;
  private readonly startMs: number;
  private leaves = 0;
  private seals = 0;
  private swapsLost = 0;
  private lostInARow = 0;
  private replays = 0;
  private oldestMs: number | undefined;
  private coverLagMs: number | undefined;
  private isFreshnessRenewed = false;
  private isFinished = true;
  private hasPublished = false;
  /** Staging object that was not there: a second look tells whether it is missed. */
  private missing: string | undefined;
  private readonly problems = new Map<string, SealProblem>();
  private witnessProblems: readonly SealProblem[] = [];

  constructor(tools: Tools) {
    this.tools = tools;
    this.startMs = tools.clock.nowMs();
  }

  async all(): Promise<SealReport> {
    for (;;) {
      const state = await readLogState(this.tools);
      const { head, published } = state;
      if (head === undefined) await this.found();
      else if (published === undefined || published.size < head.size) await this.replay(head, state);
      else if (!(await this.sealNext(head, state))) break;
    }
    return this.end();
  }

  /** The log of no leaves. Where another sealer was first, its head stands. */
  private async found(): Promise<void> {
    const { identity, ledger, clock } = this.tools;
    const { text } = await identity.sign(0, HASHER.empty);
    await ledger.swapHead(undefined, { checkpoint: text, staging: undefined, sealedAtMs: clock.nowMs() });
  }

  /** Publishes what another sealer, or this one before, has committed to. */
  private async replay(head: CommittedHead, { published }: LogState): Promise<void> {
    await this.publishKeys();
    const key = head.stored.staging;
    const staging = await readStaging(this.tools.store, head);
    if (staging !== undefined) await publishStaged(this.tools, staging, { head, published });
    else if (key === undefined) await publishCheckpoint(this.tools, head, published);
    else return this.miss(key, head);
    this.tools.memory.tidied = key;
    this.hasPublished = true;
    if (key !== undefined) this.replays++;
  }

  /** Another sealer may have published it and let go of it meanwhile; then the head has moved on. */
  private miss(key: string, head: CommittedHead): void {
    if (this.missing === key)
      throw logDiverged(`staging object ${key}, from which size ${head.size} must be published, is missing`, {
        details: { key, headSize: head.size },
      });
    this.missing = key;
  }

  /** @returns whether to look again */
  private async sealNext(head: CommittedHead, state: LogState): Promise<boolean> {
    const { source } = this.tools;
    await this.publishKeys();
    await this.tidy(head);
    if (this.mustStop()) return false;
    const input = await source.next(head.size);
    for (const problem of input?.problems ?? []) this.problems.set(problem.subject, problem);
    if (input === undefined) return false;
    if (input.entries.byteLength > 0) {
      await this.seal({ head, state, input });
      return true;
    }
    await source.settle(input.batches);
    await source.tidy(input.batches);
    return input.batches.length > 0;
  }

  private async seal({ head, state, input }: SealWork): Promise<void> {
    const { store, identity, clock } = this.tools;
    const { staging, encoded, root } = buildSeal(head, await readEdge(store, head), input);
    await putSealed(store, encoded);
    const next = await identity.sign(staging.newSize, root);
    const stored = { checkpoint: next.text, staging: encoded.key, sealedAtMs: clock.nowMs() };
    if (!(await this.swap(head, stored))) return;
    await publishStaged(this.tools, staging, { head: next, published: state.published });
    this.leaves += staging.newSize - staging.oldSize;
    this.seals++;
    this.hasPublished = true;
    this.tools.memory.tidied = encoded.key;
    this.cover(input.oldestMs);
    const old = head.stored.staging;
    if (this.tools.removesStaging === true && old !== undefined) await store.remove([old]);
  }

  /** Whether this seal is the next one. Where that is not known, or not so, only a new look tells how to go on. */
  private async swap(head: CommittedHead, next: CommittedHead["stored"]): Promise<boolean> {
    let failure: AuditStorageError | undefined;
    try {
      if ((await this.tools.ledger.swapHead(head.stored, next)) === "swapped") {
        this.lostInARow = 0;
        return true;
      }
    } catch (error) {
      if (!(error instanceof AuditStorageError && error.retryable)) throw error;
      failure = error;
    }
    this.swapsLost++;
    if (++this.lostInARow >= MAX_SWAPS_LOST && failure !== undefined) throw failure;
    return false;
  }

  private cover(oldestMs: number | undefined): void {
    if (oldestMs === undefined) return;
    this.oldestMs = Math.min(oldestMs, this.oldestMs ?? oldestMs);
    const lagMs = this.tools.clock.nowMs() - oldestMs;
    this.coverLagMs = Math.max(lagMs, this.coverLagMs ?? lagMs);
  }

  /** Removes what a sealer left that was cut off behind publication. */
  private async tidy(head: CommittedHead): Promise<void> {
    const { store, source, memory } = this.tools;
    if (memory.tidied === head.stored.staging) return;
    const staging = await readStaging(store, head);
    if (staging !== undefined) await source.tidy(staging.batches);
    memory.tidied = head.stored.staging;
  }

  private async publishKeys(): Promise<void> {
    const { memory, witnesses } = this.tools;
    if (memory.areKeysPublished) return;
    await publishKeys(
      this.tools,
      witnesses?.map(({ verifierKey }) => verifierKey),
    );
    memory.areKeysPublished = true;
  }

  private mustStop(): boolean {
    const isLate = this.tools.clock.nowMs() - this.startMs >= (this.tools.maxRunMs ?? DEFAULT_MAX_RUN_MS);
    if (isLate || this.lostInARow >= MAX_SWAPS_LOST) this.isFinished = false;
    return !this.isFinished;
  }

  /** Renews the time on what is published, if that is due, and has new times and new checkpoints witnessed. */
  private async end(): Promise<SealReport> {
    const { clock } = this.tools;
    const { head, published } = await readLogState(this.tools);
    if (head === undefined || published === undefined) throw vanishedLog();
    let current: OwnCheckpoint | undefined;
    if (isFreshnessDue(published, clock)) current = await renewFreshness(this.tools, published);
    this.isFreshnessRenewed = current !== undefined;
    const isNew = this.isFreshnessRenewed || this.hasPublished || this.tools.memory.lacksWitness;
    if (isNew && published.size === head.size) await this.askWitnesses(head);
    return this.report({ size: head.size, publishedSize: published.size });
  }

  private async askWitnesses(head: OwnCheckpoint): Promise<void> {
    if ((this.tools.witnesses ?? []).length === 0) return;
    const { signatures, problems } = await this.tools.ask(head);
    this.witnessProblems = problems;
    this.tools.memory.lacksWitness = problems.length > 0;
    if (signatures.length > 0) await addSignatures(this.tools, head.note.body, signatures);
  }

  private report(sizes: Pick<SealReport, "size" | "publishedSize">): SealReport {
    const { leaves, seals, swapsLost, replays, oldestMs, coverLagMs, isFreshnessRenewed, isFinished } = this;
    const problems = [...this.problems.values()];
    const { witnessProblems } = this;
    const counts = { leaves, seals, ...sizes, swapsLost, replays };
    return { ...counts, oldestMs, coverLagMs, isFreshnessRenewed, problems, witnessProblems, isFinished };
  }
}

interface SealWork {
  readonly head: CommittedHead;
  readonly state: LogState;
  readonly input: SealInput;
}

/** A run ends with a log that is published; it is gone only where somebody deletes objects. */
function vanishedLog(): AuditStorageError {
  return new AuditStorageError("storage-unavailable", "the published checkpoint was there and is gone", {
    retryable: true,
  });
}
