// Defects of persisting, put into the ports of a process rather than into the code: each leaves out or swaps one step of
// the protocol, as a plausible simplification would. The simulation must find every one of them.
import { batchIdOf } from "#service/batch-object.ts";
import type { Archive, EventTable, InsertOutcome, Ledger, TableEntry } from "#service/ports.ts";
import type { Mutate, PersistencePorts, SimulatedPorts } from "#test/support/persistence-simulation.ts";

export interface Mutant {
  readonly name: string;
  readonly mutate: Mutate;
  /** One of the problems that it leads to. */
  readonly leadsTo: RegExp;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "trusts that batches of others have their rows",
    mutate: trustOthers,
    leadsTo: /^acknowledged but in no batch that has its row/,
  },
  { name: "writes the row before the items", mutate: registerFirst, leadsTo: /^counted [2-9] times/ },
  {
    name: "writes the items before the batch object",
    mutate: archiveLast,
    leadsTo: /is missing from the archive/,
  },
  {
    name: "only looks at what stands when it completes a batch",
    mutate: lookOnly,
    leadsTo: /^counted 0 times/,
  },
  {
    name: "writes the outcome object after the row",
    mutate: outcomeLast,
    leadsTo: /the archive alone puts it at/,
  },
  { name: "notes conflicts after the row", mutate: noteLast, leadsTo: /notes nothing, there are/ },
  {
    name: "takes a failed write of the batch object as done",
    mutate: trustArchive,
    leadsTo: /is missing from the archive/,
  },
  { name: "never indexes later", mutate: indexNothing, leadsTo: /is not indexed$/ },
];

function trustOthers(ports: PersistencePorts, role: string): PersistencePorts {
  if (role !== "consumer") return ports;
  const registered: Ledger["registered"] = async (batchIds) => new Set(batchIds);
  return { ...ports, ledger: { ...ledgerMethods(ports.ledger), registered } };
}

function registerFirst({ archive, table, ledger }: PersistencePorts): PersistencePorts {
  const insert: EventTable["insert"] = async (entries) => {
    const batchId = entries[0]?.batchId ?? "";
    const winners = entries.map(({ line }) => line);
    await ledger.register({ batchId, lineCount: entries.length, winners, conflicts: [], unindexed: [] });
    return table.insert(entries);
  };
  return { archive, table: { ...tableMethods(table), insert }, ledger };
}

/** Puts off calls until the row of a batch is written. */
function untilRegistered(ledger: Ledger): {
  readonly ledger: Ledger;
  readonly later: (() => Promise<unknown>)[];
} {
  const later: (() => Promise<unknown>)[] = [];
  const register: Ledger["register"] = async (record) => {
    await ledger.register(record);
    for (const call of later.splice(0)) await call();
  };
  return { ledger: { ...ledgerMethods(ledger), register }, later };
}

function archiveLast({ archive, table, ledger }: PersistencePorts): PersistencePorts {
  const put = untilRegistered(ledger);
  const putIfAbsent: Archive["putIfAbsent"] = async (key, bytes) => {
    if (batchIdOf(key) === undefined) return archive.putIfAbsent(key, bytes);
    put.later.push(() => archive.putIfAbsent(key, bytes));
    return "created";
  };
  return { archive: { ...archiveMethods(archive), putIfAbsent }, table, ledger: put.ledger };
}

function outcomeLast({ archive, table, ledger }: PersistencePorts): PersistencePorts {
  const put = untilRegistered(ledger);
  const putIfAbsent: Archive["putIfAbsent"] = async (key, bytes) => {
    if (batchIdOf(key) !== undefined) return archive.putIfAbsent(key, bytes);
    put.later.push(() => archive.putIfAbsent(key, bytes));
    return "created";
  };
  return { archive: { ...archiveMethods(archive), putIfAbsent }, table, ledger: put.ledger };
}

function noteLast({ archive, table, ledger }: PersistencePorts): PersistencePorts {
  const noted = untilRegistered(ledger);
  const noteConflict: EventTable["noteConflict"] = async (conflict) => {
    noted.later.push(() => table.noteConflict(conflict));
  };
  return { archive, table: { ...tableMethods(table), noteConflict }, ledger: noted.ledger };
}

function trustArchive(ports: PersistencePorts): PersistencePorts {
  const putIfAbsent: Archive["putIfAbsent"] = (key, bytes) =>
    batchIdOf(key) === undefined
      ? ports.archive.putIfAbsent(key, bytes)
      : ports.archive.putIfAbsent(key, bytes).catch(() => "created" as const);
  return { ...ports, archive: { ...archiveMethods(ports.archive), putIfAbsent } };
}

function indexNothing(ports: PersistencePorts): PersistencePorts {
  return { ...ports, table: { ...tableMethods(ports.table), index: async () => undefined } };
}

/** Batches that this process did not begin are looked at; what stands nowhere is taken to stand in another batch. */
function lookOnly(
  { archive, table, ledger }: PersistencePorts,
  _: string,
  shared: SimulatedPorts,
): PersistencePorts {
  const own = new Set<string | undefined>();
  const putIfAbsent: Archive["putIfAbsent"] = (key, bytes) => {
    own.add(batchIdOf(key));
    return archive.putIfAbsent(key, bytes);
  };
  const insert: EventTable["insert"] = async (entries) => {
    if (own.has(entries[0]?.batchId)) return table.insert(entries);
    const items = await shared.readItems();
    return entries.map(({ eventId, prepared }): InsertOutcome => {
      const { event, contentHash } = prepared;
      const item = items.find((one) => one.tenantId === event.tenant_id && one.eventId === eventId);
      const nowhere = { at: { batchId: "nowhere", line: 0 }, contentHash, isIndexed: true };
      return { kind: "exists", ...(item ?? nowhere) };
    });
  };
  return {
    archive: { ...archiveMethods(archive), putIfAbsent },
    table: { ...tableMethods(table), insert },
    ledger,
  };
}

function archiveMethods(archive: Archive): Archive {
  return {
    putIfAbsent: (key, bytes) => archive.putIfAbsent(key, bytes),
    get: (key) => archive.get(key),
    list: (prefix, after) => archive.list(prefix, after),
  };
}

function tableMethods(table: EventTable): EventTable {
  return {
    insert: (entries: readonly TableEntry[]) => table.insert(entries),
    index: (entries) => table.index(entries),
    noteConflict: (conflict) => table.noteConflict(conflict),
  };
}

function ledgerMethods(ledger: Ledger): Ledger {
  return {
    registered: (batchIds) => ledger.registered(batchIds),
    register: (record) => ledger.register(record),
    find: (batchId) => ledger.find(batchId),
    unindexed: (limit) => ledger.unindexed(limit),
    markIndexed: (batchId) => ledger.markIndexed(batchId),
    readNote: (name) => ledger.readNote(name),
    writeNote: (name, text) => ledger.writeNote(name, text),
  };
}
