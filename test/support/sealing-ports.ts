// The ports of one run of the sealing simulation, in memory: everything that was ever published is recorded, and what is two
// calls on a real ledger is two calls here, between which a process may be cut off.
import { batchIdOf } from "#service/batch-object.ts";
import { CHECKPOINT_KEY } from "#service/log-layout.ts";
import type { LogLedger, LogStore, PendingBatch, SealLedger, StagedObject } from "#service/log-ports.ts";
import type { BatchRecord, Clock, Ledger, SealedPlace } from "#service/ports.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { MemoryLogLedger } from "#test/support/memory-log-ledger.ts";
import type { Random } from "#test/support/seeded-random.ts";

/** What one sealer works with. */
export interface SealerPorts {
  readonly log: LogLedger;
  readonly store: LogStore;
  readonly sealing: SealLedger & Pick<Ledger, "find">;
}

/** Puts a defect into the ports that one sealer uses. */
export type MutateSealer = (ports: SealerPorts, replica: Replica) => SealerPorts;

/** What a store that is not consistent shows: what was read last, by whomever. */
export interface Replica {
  pending: readonly PendingBatch[];
}

/** A ledger of batches in the calls that a real one takes. */
export interface SplitLedger {
  readonly pointers: (limit: number) => Promise<readonly string[]>;
  readonly rows: (batchIds: readonly string[]) => Promise<readonly (BatchRecord | undefined)[]>;
  readonly note: (batchId: string, place: SealedPlace) => Promise<void>;
  readonly unpoint: (batchId: string) => Promise<void>;
  readonly repoint: (batchId: string) => Promise<void>;
}

export interface SharedPorts {
  readonly archive: MemoryArchive;
  readonly table: MemoryEventTable;
  readonly ledger: MemoryLedger;
  readonly log: MemoryLogLedger;
  readonly sealing: SplitLedger;
  /** Every checkpoint that was ever published, in order. */
  readonly published: readonly string[];
  /** Every batch object that was ever stored. */
  readonly batchPuts: readonly StagedObject[];
  /** Outcomes of swaps of the head. */
  readonly swaps: Readonly<Record<"swapped" | "lost", number>>;
}

const REFUSAL_RATE = 0.1;

export function openSharedPorts(random: Random, clock: Clock): SharedPorts {
  const published: string[] = [];
  const batchPuts: StagedObject[] = [];
  const archive = new MemoryArchive(clock.nowMs);
  const replace = archive.replace.bind(archive);
  archive.replace = async (key, bytes, version) => {
    const outcome = await replace(key, bytes, version);
    if (key === CHECKPOINT_KEY && outcome === "replaced") published.push(Buffer.from(bytes).toString());
    return outcome;
  };
  const putIfAbsent = archive.putIfAbsent.bind(archive);
  archive.putIfAbsent = async (key, bytes) => {
    const outcome = await putIfAbsent(key, bytes);
    if (batchIdOf(key) !== undefined && outcome === "created") batchPuts.push({ key, bytes });
    return outcome;
  };
  const table = new MemoryEventTable();
  table.takesIndexKeys = () => random() >= REFUSAL_RATE;
  const ledger = new MemoryLedger();
  const log = new MemoryLogLedger();
  const swaps = { swapped: 0, lost: 0 };
  const swapHead = log.swapHead.bind(log);
  log.swapHead = async (expected, next) => {
    const outcome = await swapHead(expected, next);
    swaps[outcome]++;
    return outcome;
  };
  return { archive, table, ledger, log, sealing: callsOf(ledger), published, batchPuts, swaps };
}

function callsOf(ledger: MemoryLedger): SplitLedger {
  return {
    pointers: async (limit) => [...ledger.pointers].sort().slice(0, limit),
    rows: (batchIds) => Promise.all(batchIds.map((batchId) => ledger.find(batchId))),
    note: async (batchId, place) => {
      const isPointed = ledger.pointers.has(batchId);
      await ledger.markSealed(batchId, place);
      if (isPointed) ledger.pointers.add(batchId);
    },
    unpoint: async (batchId) => void ledger.pointers.delete(batchId),
    repoint: (batchId) => ledger.repoint(batchId),
  };
}

/** The port SealLedger of these calls. */
export function splitLedger(calls: SplitLedger): SealerPorts["sealing"] {
  return {
    pending: async (limit) => {
      const batchIds = await calls.pointers(limit);
      const rows = await calls.rows(batchIds);
      return batchIds.map((batchId, at) => ({ batchId, row: rows[at] }));
    },
    find: async (batchId) => (await calls.rows([batchId]))[0],
    markSealed: async (batchId, place) => {
      await calls.note(batchId, place);
      await calls.unpoint(batchId);
    },
    repoint: (batchId) => calls.repoint(batchId),
  };
}
