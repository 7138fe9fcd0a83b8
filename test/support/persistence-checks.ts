// What must hold of archive, table and ledger: at each acknowledgement, and when nothing is under way any more. Worked out
// from the objects and rows themselves, in words that a failing test can print.
import type { PreparedLine } from "#event/prepare-event.ts";
import { BATCH_PREFIX, decodeOutcome, outcomeKey, readBatchKey } from "#service/batch-object.ts";
import { readBatch } from "#service/complete-batch.ts";
import { conflictIdOf } from "#service/conflict-id.ts";
import type { Archive, BatchRecord, Ledger, LinePlace } from "#service/ports.ts";

/** An item as it stands in the table. */
export interface StandingItem {
  readonly tenantId: string;
  /** Id under which it stands: the event's, or a derived one. */
  readonly eventId: string;
  readonly at: LinePlace;
  readonly contentHash: string;
  readonly isIndexed: boolean;
  readonly conflicts: readonly string[];
}

interface CheckedPorts {
  readonly archive: Archive;
  readonly ledger: Ledger;
  readonly readItems: () => Promise<readonly StandingItem[]>;
}

/** Acknowledged lines whose content does not stand in a batch whose row counts it. */
export async function findUnregistered(
  { ledger, readItems }: CheckedPorts,
  lines: readonly PreparedLine[],
): Promise<readonly string[]> {
  const items = new Map((await readItems()).map((item) => [contentOf(item), item]));
  const problems: string[] = [];
  const rows = new Map<string, BatchRecord | undefined>();
  for (const line of lines) {
    const item = items.get(contentOfLine(line));
    const batchId = item?.at.batchId;
    if (batchId !== undefined && !rows.has(batchId)) rows.set(batchId, await ledger.find(batchId));
    const row = batchId === undefined ? undefined : rows.get(batchId);
    if (item === undefined || !counts(row, item.at.line))
      problems.push(`acknowledged but in no batch that has its row: ${contentOfLine(line)}`);
  }
  return problems;
}

/** @param wanted every line that was sent, copies too */
export async function findProblems(
  ports: CheckedPorts,
  wanted: readonly PreparedLine[],
  conflictKey: Uint8Array,
): Promise<readonly string[]> {
  const { archive, ledger } = ports;
  const items = await ports.readItems();
  const batches = await readBatches(ports);
  const left = await ledger.unindexed(1);
  return [
    ...batches.filter(({ row }) => row === undefined).map(({ batchId }) => `batch ${batchId} has no row`),
    ...accounting(batches, wanted),
    ...standing(items, batches, wanted),
    ...(await outcomes(archive, batches)),
    ...restoring(items, await restored(archive, batches, conflictKey)),
    ...notes(items, conflictKey),
    ...items.filter(({ isIndexed }) => !isIndexed).map(({ eventId }) => `item ${eventId} is not indexed`),
    ...left.map(({ batchId }) => `batch ${batchId} waits to be indexed`),
  ];
}

interface Batch {
  readonly batchId: string;
  readonly lines: readonly PreparedLine[];
  readonly row: BatchRecord | undefined;
}

async function readBatches({ archive, ledger }: CheckedPorts): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for await (const { key } of archive.list(BATCH_PREFIX)) {
    const reading = readBatchKey(key);
    if (reading.kind !== "batch") continue;
    const { batchId } = reading;
    batches.push({ batchId, lines: await readBatch(archive, batchId), row: await ledger.find(batchId) });
  }
  return batches;
}

/** Each content that was sent is counted by exactly one row: these are what will be sealed. */
function accounting(batches: readonly Batch[], wanted: readonly PreparedLine[]): readonly string[] {
  const found = new Map(wanted.map((line) => [contentOfLine(line), 0]));
  for (const { lines, row } of batches) {
    for (const [number, line] of lines.entries()) {
      if (counts(row, number)) found.set(contentOfLine(line), (found.get(contentOfLine(line)) ?? 0) + 1);
    }
  }
  return [...found]
    .filter(([, count]) => count !== 1)
    .map(([content, count]) => `counted ${count} times: ${content}`);
}

/** The table holds each content once, where a batch object holds it too and a row counts it, on the right side. */
function standing(
  items: readonly StandingItem[],
  batches: readonly Batch[],
  wanted: readonly PreparedLine[],
): readonly string[] {
  const known = new Map(batches.map((batch) => [batch.batchId, batch]));
  const contents = new Set(wanted.map(contentOfLine));
  const problems: string[] = [];
  if (items.length !== contents.size) problems.push(`${items.length} items, ${contents.size} contents`);
  for (const item of items) {
    const batch = known.get(item.at.batchId);
    const line = batch?.lines[item.at.line];
    const side = item.eventId.includes("!") ? batch?.row?.conflicts : batch?.row?.winners;
    if (line === undefined || contentOfLine(line) !== contentOf(item))
      problems.push(`its batch object does not hold ${contentOf(item)}`);
    if (side?.includes(item.at.line) !== true) problems.push(`its row does not count ${contentOf(item)}`);
  }
  return problems;
}

async function outcomes(archive: Archive, batches: readonly Batch[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { batchId, lines, row } of batches) {
    const bytes = await archive.get(outcomeKey(batchId));
    const allWon = { batchId, lineCount: lines.length, winners: [...lines.keys()], conflicts: [] };
    const outcome = bytes === undefined ? allWon : decodeOutcome(bytes, batchId);
    if (JSON.stringify({ ...outcome, unindexed: row?.unindexed }) !== JSON.stringify(row))
      problems.push(`batch ${batchId}: outcome ${JSON.stringify(outcome)}, row ${JSON.stringify(row)}`);
  }
  return problems;
}

/** Where each id stands, by the archive alone: an outcome object says so, and without one all lines won. */
async function restored(
  archive: Archive,
  batches: readonly Batch[],
  conflictKey: Uint8Array,
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for (const { batchId, lines } of batches) {
    const bytes = await archive.get(outcomeKey(batchId));
    const outcome = bytes === undefined ? undefined : decodeOutcome(bytes, batchId);
    const winners = outcome?.winners ?? lines.keys();
    for (const number of winners) places.set(idOf(lines[number]!), `${batchId} ${number}`);
    for (const number of outcome?.conflicts ?? []) {
      const { contentHash, event } = lines[number]!;
      const eventId = conflictIdOf({ conflictKey, eventId: event.event_id, contentHash });
      places.set(`${event.tenant_id}#${eventId}`, `${batchId} ${number}`);
    }
  }
  return places;
}

function restoring(items: readonly StandingItem[], places: ReadonlyMap<string, string>): readonly string[] {
  const stood = new Map(
    items.map(({ tenantId, eventId, at }) => [`${tenantId}#${eventId}`, `${at.batchId} ${at.line}`]),
  );
  const keys = new Set([...stood.keys(), ...places.keys()]);
  return [...keys]
    .filter((key) => stood.get(key) !== places.get(key))
    .map((key) => `${key} stands at ${stood.get(key)}; the archive alone puts it at ${places.get(key)}`);
}

/** Every conflict is noted on the event that came first, and nothing else is. */
function notes(items: readonly StandingItem[], conflictKey: Uint8Array): readonly string[] {
  return items
    .filter(({ eventId }) => !eventId.includes("!"))
    .flatMap(({ tenantId, eventId, conflicts }) => {
      const derived = items
        .filter((other) => other.tenantId === tenantId && other.eventId.startsWith(`${eventId}!`))
        .map(({ contentHash }) => conflictIdOf({ conflictKey, eventId, contentHash }));
      const isNoted = derived.toSorted().join() === conflicts.toSorted().join();
      return isNoted
        ? []
        : [`${eventId} notes ${conflicts.join() || "nothing"}, there are ${derived.join() || "none"}`];
    });
}

function counts(row: BatchRecord | undefined, line: number): boolean {
  return row !== undefined && (row.winners.includes(line) || row.conflicts.includes(line));
}

function contentOf({ tenantId, eventId, contentHash }: StandingItem): string {
  return `${tenantId}#${eventId.replace(/!.*$/, "")}#${contentHash}`;
}

function contentOfLine({ event, contentHash }: PreparedLine): string {
  return `${event.tenant_id}#${event.event_id}#${contentHash}`;
}

function idOf({ event }: PreparedLine): string {
  return `${event.tenant_id}#${event.event_id}`;
}
