/**
 * Batch objects that outlived their sealing: a consumer that was woken late has put its object again, or a sealer was cut
 * off before it tidied up. The inventory names them and may not remove them; the sealer, which may, looks once more
 * and removes an object only where the log holds every line of it that has a leaf, byte for byte.
 */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import { batchKey, decodeBatch, outcomeKey } from "#service/batch-object.ts";
import type { LogStore } from "#service/log-ports.ts";
import { leafLines } from "#service/manifest.ts";
import type { BatchRecord, Ledger } from "#service/ports.ts";
import { createLogReader } from "#service/read-log.ts";
import { readSealedLines } from "#service/reconcile-segments.ts";

export interface OrphanRemovalDeps {
  readonly store: Pick<LogStore, "get" | "remove">;
  readonly ledger: Pick<Ledger, "readNote" | "find">;
}

export interface OrphanReport {
  /** Batches whose objects are gone. */
  readonly removed: readonly string[];
  /** Those that are left, and why. */
  readonly kept: readonly { readonly batchId: string; readonly reason: string }[];
}

const NOTE = "orphans";
const FORMAT = 1;
const Note = z.object({ format: z.literal(FORMAT), batches: z.array(z.string()) });

export async function writeOrphans(
  ledger: Pick<Ledger, "readNote" | "writeNote">,
  batches: readonly string[],
): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, batches });
  if (((await ledger.readNote(NOTE)) ?? JSON.stringify({ format: FORMAT, batches: [] })) !== text)
    await ledger.writeNote(NOTE, text);
}

/** The function throws AuditStorageError `storage-unavailable` (retryable) where ledger or store do. */
export function createOrphanRemoval({ store, ledger }: OrphanRemovalDeps): () => Promise<OrphanReport> {
  return async () => {
    const removed: string[] = [];
    const kept: { readonly batchId: string; readonly reason: string }[] = [];
    for (const batchId of await readOrphans(ledger)) {
      try {
        if (await removeOrphan({ store, ledger }, batchId)) removed.push(batchId);
      } catch (error) {
        if (!(error instanceof AuditStorageError) || error.retryable) throw error;
        kept.push({ batchId, reason: error.message });
      }
    }
    return { removed, kept };
  };
}

/** @returns false where there is nothing to remove, or not yet */
async function removeOrphan({ store, ledger }: OrphanRemovalDeps, batchId: string): Promise<boolean> {
  const [row, bytes, outcome, published] = await Promise.all([
    ledger.find(batchId),
    store.get(batchKey(batchId)),
    store.get(outcomeKey(batchId)),
    createLogReader(store).checkpoint(),
  ]);
  if (row?.sealed === undefined || (bytes ?? outcome) === undefined) return false;
  // Until the checkpoint that covers them is published, batch objects are what a rebuild goes back to.
  if (row.sealed.firstLeaf + leafLines(row).length > (published?.size ?? 0)) return false;
  // Without the batch object there may be its outcome, which whoever finished it late put again: the manifest says the same.
  if (bytes !== undefined) await checkSealed(store, row, decodeBatch(bytes, batchId));
  await store.remove([batchKey(batchId), outcomeKey(batchId)]);
  return true;
}

async function checkSealed(
  store: OrphanRemovalDeps["store"],
  row: BatchRecord,
  lines: readonly string[],
): Promise<void> {
  const sealed = await readSealedLines(store, row);
  for (const [line, text] of sealed)
    if (lines[line] !== text) throw differs(row.batchId, `its line ${line} is another one in the log`);
  if (lines.length !== row.lineCount)
    throw differs(row.batchId, `it holds ${lines.length} lines, and its row says ${row.lineCount}`);
}

async function readOrphans(ledger: Pick<Ledger, "readNote">): Promise<readonly string[]> {
  const text = await ledger.readNote(NOTE);
  if (text === undefined) return [];
  const parsed = Note.safeParse(parsedJson(text));
  return parsed.success ? parsed.data.batches : [];
}

function differs(batchId: string, problem: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `batch object ${batchId} is kept: ${problem}`);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
