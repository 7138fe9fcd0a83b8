// Defects of sealing, put into the ports of a sealer rather than into the code: each leaves out or swaps one step of the
// protocol, as a plausible simplification would. The simulation must find every one of them.
import { batchKey, outcomeKey } from "#service/batch-object.ts";
import { CHECKPOINT_KEY, MANIFEST_PREFIX, STAGING_PREFIX } from "#service/log-layout.ts";
import type { LogHead, LogLedger, LogStore, PendingBatch } from "#service/log-ports.ts";
import { decodeStaging } from "#service/staging.ts";
import type { FaultRates } from "#test/support/fault-scheduler.ts";
import type { MutateSealer, Replica, SealerPorts } from "#test/support/sealing-ports.ts";

export interface SealingMutant {
  readonly name: string;
  readonly mutate: MutateSealer;
  readonly rates?: FaultRates;
  /** One of the problems that it leads to. */
  readonly leadsTo: RegExp;
}

/** A batch that was sealed again shows in its row first. */
const TWICE = /^[2-9] leaves: |stands at leaf/;
const NOT_OF_THE_LOG = /is not of a beginning of the log/;

/** Fewer stops than the protocol itself has to endure: those who live longer meet each other more often. */
export const MUTANT_RATES: FaultRates = { stop: 0.006, late: 0.7, fail: 0.006 };
const MANY_FAILURES: FaultRates = { stop: 0.002, late: 0.7, fail: 0.015 };

export const SEALING_MUTANTS: readonly SealingMutant[] = [
  {
    name: "repeats a lost swap on the newer head",
    mutate: repeatSwap,
    leadsTo: /published is size|is not of a beginning/,
  },
  {
    name: "takes a failed swap as done",
    mutate: trustSwap,
    rates: MANY_FAILURES,
    leadsTo: /published is size|is not of a beginning/,
  },
  { name: "swaps the head before it stages", mutate: stageLast, leadsTo: /staging object .* is missing/ },
  { name: "does not replay what others have staged", mutate: skipReplay, leadsTo: /is missing|do not fit/ },
  {
    name: "lists pending batches before it replays, and leaves their objects",
    mutate: listFirst,
    leadsTo: TWICE,
  },
  { name: "reads pending batches from a replica that lags", mutate: staleRows, leadsTo: TWICE },
  { name: "publishes before it settles", mutate: settleLast, leadsTo: TWICE },
  { name: "settles no batches of others", mutate: settleOwn, leadsTo: TWICE },
  {
    name: "settles before the swap",
    mutate: settleFirst,
    leadsTo: /^rows count|says another|stands at leaf/,
  },
  {
    name: "removes batch objects before the swap",
    mutate: tidyFirst,
    leadsTo: /is missing from the archive/,
  },
  { name: "publishes over whatever is there", mutate: ignoreVersion, leadsTo: /was published behind size/ },
  { name: "publishes a checkpoint whose swap was lost", mutate: publishLost, leadsTo: NOT_OF_THE_LOG },
  { name: "reads the head before what is published", mutate: headFirst, leadsTo: /published is size/ },
  {
    name: "keeps staging objects by their sizes alone, the newest",
    mutate: overwriteStaging,
    leadsTo: /its content is not what its key names/,
  },
  {
    name: "keeps staging objects by their sizes alone, the first",
    mutate: oneStaging,
    leadsTo: /its content is not what its key names|stored already, with other content/,
  },
  { name: "publishes no manifests", mutate: dropManifests, leadsTo: /is in no manifest/ },
];

function repeatSwap({ log, ...ports }: SealerPorts): SealerPorts {
  const swapHead: LogLedger["swapHead"] = async (expected, next) => {
    const outcome = await log.swapHead(expected, next);
    return outcome === "lost" ? log.swapHead(await log.readHead(), next) : outcome;
  };
  return { ...ports, log: { readHead: () => log.readHead(), swapHead } };
}

function trustSwap({ log, ...ports }: SealerPorts): SealerPorts {
  const swapHead: LogLedger["swapHead"] = (expected, next) =>
    log.swapHead(expected, next).catch(() => "swapped" as const);
  return { ...ports, log: { readHead: () => log.readHead(), swapHead } };
}

function stageLast({ log, store, sealing }: SealerPorts): SealerPorts {
  const later: (() => Promise<unknown>)[] = [];
  const putIfAbsent: LogStore["putIfAbsent"] = async (key, bytes) => {
    if (!key.startsWith(STAGING_PREFIX)) return store.putIfAbsent(key, bytes);
    later.push(() => store.putIfAbsent(key, bytes));
    return "created";
  };
  const swapHead: LogLedger["swapHead"] = async (expected, next) => {
    const outcome = await log.swapHead(expected, next);
    for (const put of later.splice(0)) await put();
    return outcome;
  };
  return {
    sealing,
    store: { ...storeMethods(store), putIfAbsent },
    log: { readHead: () => log.readHead(), swapHead },
  };
}

function skipReplay({ log, ...ports }: SealerPorts): SealerPorts {
  const readHead: LogLedger["readHead"] = async () => {
    const head = await log.readHead();
    return head === undefined ? undefined : { ...head, staging: undefined };
  };
  return { ...ports, log: { readHead, swapHead: (expected, next) => log.swapHead(expected, next) } };
}

/** The list that a sealer begins with serves it for its first seal. */
function listFirst({ log, store, sealing }: SealerPorts): SealerPorts {
  let listed: Promise<readonly PendingBatch[]> | undefined;
  const readHead: LogLedger["readHead"] = async () => {
    listed ??= sealing.pending(1000);
    await listed;
    return log.readHead();
  };
  const pending = async (limit: number): Promise<readonly PendingBatch[]> => {
    const first = await listed;
    listed = Promise.resolve([]);
    return first === undefined || first.length === 0 ? sealing.pending(limit) : first;
  };
  return {
    store: { ...storeMethods(store), remove: async () => undefined },
    sealing: { ...sealing, pending },
    log: { readHead, swapHead: (expected, next) => log.swapHead(expected, next) },
  };
}

/** A read that is not consistent shows what was there a while ago. */
function staleRows({ sealing, ...ports }: SealerPorts, replica: Replica): SealerPorts {
  const pending = async (limit: number): Promise<readonly PendingBatch[]> => {
    const before = replica.pending;
    replica.pending = await sealing.pending(limit);
    return before.length > 0 ? before : replica.pending;
  };
  return { ...ports, sealing: { ...sealing, pending } };
}

function settleLast({ log, store, sealing }: SealerPorts): SealerPorts {
  const later: (() => Promise<unknown>)[] = [];
  const markSealed: SealerPorts["sealing"]["markSealed"] = async (batchId, place) => {
    later.push(() => sealing.markSealed(batchId, place));
  };
  const remove: LogStore["remove"] = async (keys) => {
    for (const settle of later.splice(0)) await settle();
    await store.remove(keys);
  };
  return { log, store: { ...storeMethods(store), remove }, sealing: { ...sealing, markSealed } };
}

function settleOwn({ log, store, sealing }: SealerPorts): SealerPorts {
  let isOwn = false;
  const swapHead: LogLedger["swapHead"] = async (expected, next) => {
    const outcome = await log.swapHead(expected, next);
    isOwn ||= outcome === "swapped";
    return outcome;
  };
  const markSealed: SealerPorts["sealing"]["markSealed"] = async (batchId, place) => {
    if (isOwn) await sealing.markSealed(batchId, place);
  };
  return { store, log: { readHead: () => log.readHead(), swapHead }, sealing: { ...sealing, markSealed } };
}

function settleFirst({ log, store, sealing }: SealerPorts): SealerPorts {
  const putIfAbsent: LogStore["putIfAbsent"] = async (key, bytes) => {
    const outcome = await store.putIfAbsent(key, bytes);
    if (key.startsWith(STAGING_PREFIX))
      for (const { batchId, firstLeaf, segment } of decodeStaging(bytes, key).batches)
        await sealing.markSealed(batchId, segment === undefined ? { firstLeaf } : { firstLeaf, segment });
    return outcome;
  };
  return { log, sealing, store: { ...storeMethods(store), putIfAbsent } };
}

function tidyFirst({ log, store, sealing }: SealerPorts): SealerPorts {
  const putIfAbsent: LogStore["putIfAbsent"] = async (key, bytes) => {
    const outcome = await store.putIfAbsent(key, bytes);
    if (key.startsWith(STAGING_PREFIX))
      await store.remove(
        decodeStaging(bytes, key).batches.flatMap(({ batchId }) => [batchKey(batchId), outcomeKey(batchId)]),
      );
    return outcome;
  };
  return { log, sealing, store: { ...storeMethods(store), putIfAbsent } };
}

function ignoreVersion({ store, ...ports }: SealerPorts): SealerPorts {
  return {
    ...ports,
    store: { ...storeMethods(store), replace: (key, bytes) => overwrite(store, key, bytes) },
  };
}

function publishLost({ log, store, sealing }: SealerPorts): SealerPorts {
  const swapHead: LogLedger["swapHead"] = async (expected, next) => {
    const outcome = await log.swapHead(expected, next);
    if (outcome === "lost" && next.staging !== undefined)
      await overwrite(store, CHECKPOINT_KEY, Buffer.from(next.checkpoint));
    return outcome;
  };
  return { store, sealing, log: { readHead: () => log.readHead(), swapHead } };
}

/** Replaces the version that is there, whichever it is. */
async function overwrite(store: LogStore, key: string, bytes: Uint8Array): Promise<"replaced" | "changed"> {
  return store.replace(key, bytes, (await store.readVersion(key))?.version);
}

function headFirst({ log, store, sealing }: SealerPorts): SealerPorts {
  let head: LogHead | undefined;
  const readVersion: LogStore["readVersion"] = async (key) => {
    if (key === CHECKPOINT_KEY) head = await log.readHead();
    return store.readVersion(key);
  };
  return {
    sealing,
    store: { ...storeMethods(store), readVersion },
    log: { readHead: async () => head, swapHead: (expected, next) => log.swapHead(expected, next) },
  };
}

/** `staging/<old size>-<new size>` */
function shortKey(key: string): string {
  return key.startsWith(STAGING_PREFIX) ? key.slice(0, STAGING_PREFIX.length + 33) : key;
}

function overwriteStaging({ store, ...ports }: SealerPorts): SealerPorts {
  const putIfAbsent: LogStore["putIfAbsent"] = async (key, bytes) => {
    if (!key.startsWith(STAGING_PREFIX)) return store.putIfAbsent(key, bytes);
    while ((await overwrite(store, shortKey(key), bytes)) === "changed");
    return "created";
  };
  const methods = storeMethods(store);
  return { ...ports, store: { ...methods, putIfAbsent, get: (key) => store.get(shortKey(key)) } };
}

function oneStaging({ store, ...ports }: SealerPorts): SealerPorts {
  const putIfAbsent: LogStore["putIfAbsent"] = async (key, bytes) => {
    const outcome = await store.putIfAbsent(shortKey(key), bytes);
    return key.startsWith(STAGING_PREFIX) ? "created" : outcome;
  };
  const methods = storeMethods(store);
  return { ...ports, store: { ...methods, putIfAbsent, get: (key) => store.get(shortKey(key)) } };
}

function dropManifests({ store, ...ports }: SealerPorts): SealerPorts {
  const putIfAbsent: LogStore["putIfAbsent"] = async (key, bytes) =>
    key.startsWith(MANIFEST_PREFIX) ? "created" : store.putIfAbsent(key, bytes);
  return { ...ports, store: { ...storeMethods(store), putIfAbsent } };
}

function storeMethods(store: LogStore): LogStore {
  return {
    putIfAbsent: (key, bytes) => store.putIfAbsent(key, bytes),
    get: (key) => store.get(key),
    list: (prefix, after) => store.list(prefix, after),
    readVersion: (key) => store.readVersion(key),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    remove: (keys) => store.remove(keys),
  };
}
