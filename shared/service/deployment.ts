/**
 * Which deployment a process serves, checked before it does: archive and tables must belong together, since each holds
 * half of what the other says. A table that was restored from a backup, emptied or taken from elsewhere lacks rows that
 * events were acknowledged on, so nothing may be written to it until it was rebuilt from the archive.
 */
import * as z from "zod";
import type { AuditStorageError } from "#lib/errors.ts";
import { BATCH_PREFIX } from "#service/batch-object.ts";
import { MANIFEST_PREFIX } from "#service/log-layout.ts";
import type { Archive } from "#service/ports.ts";
import type { TableMark } from "#service/table-mark.ts";
import { copyRefusal, markRefusal } from "#service/table-mark.ts";

export interface Deployment {
  readonly incarnation: string;
  /** 32 secret bytes, from which the ids of conflicts are derived. */
  readonly conflictKey: Uint8Array;
}

export interface DeploymentParts {
  readonly archive: Archive;
  readonly marks: readonly TableMark[];
  /** A fresh UUID. */
  readonly newIncarnation: () => string;
  /** Fills the whole array with cryptographically strong random bytes. */
  readonly fillRandom: (bytes: Uint8Array) => unknown;
}

export const DEPLOYMENT_KEY = "deployment.json";
const DEPLOYMENT_FORMAT = 1;
const CONFLICT_KEY_BYTES = 32;

const StoredDeployment = z.strictObject({
  format: z.literal(DEPLOYMENT_FORMAT),
  incarnation: z.uuid(),
  conflict_key: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * The deployment of an archive and its tables; founds it where there is none and nothing is stored yet. Safe to call at
 * once from many processes.
 * @throws AuditStorageError `storage-unavailable`: not retryable where the parts do not belong together
 */
export async function openDeployment(parts: DeploymentParts): Promise<Deployment> {
  const deployment = (await readDeployment(parts.archive)) ?? (await found(parts));
  const { incarnation } = deployment;
  if ((await unmarked(parts.marks, incarnation)).length === 0) return deployment;
  // Looked at before the marks are read again: another process may be starting too, and be past its first batch.
  const isFresh = await isWithoutBatches(parts.archive);
  const bare = await unmarked(parts.marks, incarnation);
  if (bare.length > 0 && !isFresh) throw emptied(bare);
  await markTables(bare, incarnation);
  return deployment;
}

/**
 * Marks the tables that have no mark, for a rebuild that has restored them from the archive.
 * @throws AuditStorageError `storage-unavailable`: not retryable where one has the mark of another table or deployment
 */
export async function markTables(marks: readonly TableMark[], incarnation: string): Promise<void> {
  for (const mark of await unmarked(marks, incarnation)) {
    const { tableId } = await mark.read();
    await mark.write({ incarnation, tableId });
  }
  const [left] = await unmarked(marks, incarnation);
  if (left !== undefined) throw markRefusal(`table ${left.table} does not keep its mark`);
}

/** The deployment as the archive records it; undefined where none was founded. */
export async function readDeployment(archive: Archive): Promise<Deployment | undefined> {
  const bytes = await archive.get(DEPLOYMENT_KEY);
  if (bytes === undefined) return undefined;
  const parsed = StoredDeployment.safeParse(parsedJson(bytes));
  // The text of the object is secret: no message quotes it.
  if (!parsed.success) throw markRefusal(`object ${DEPLOYMENT_KEY} is damaged or of a newer release`);
  const { incarnation, conflict_key: conflictKey } = parsed.data;
  return { incarnation, conflictKey: Buffer.from(conflictKey, "hex") };
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

async function found({ archive, marks, newIncarnation, fillRandom }: DeploymentParts): Promise<Deployment> {
  const marked = await firstMarked(marks);
  const isBegun = marked !== undefined || !(await isWithoutBatches(archive));
  // Read again: it may have been founded, and used, between the first look and these.
  const known = isBegun ? await readDeployment(archive) : undefined;
  if (known !== undefined) return known;
  if (marked !== undefined)
    throw markRefusal(
      `table ${marked.table} belongs to a deployment, but the archive holds no ${DEPLOYMENT_KEY}`,
    );
  if (isBegun)
    throw markRefusal(`the archive holds batches but no ${DEPLOYMENT_KEY}, which it was founded with`);
  const conflictKey = new Uint8Array(CONFLICT_KEY_BYTES);
  fillRandom(conflictKey);
  const incarnation = newIncarnation();
  const text = JSON.stringify({
    format: DEPLOYMENT_FORMAT,
    incarnation,
    conflict_key: Buffer.from(conflictKey).toString("hex"),
  });
  await archive.putIfAbsent(DEPLOYMENT_KEY, Buffer.from(text, "utf8"));
  const stored = await readDeployment(archive); // another process may have been first
  if (stored === undefined) throw markRefusal(`the archive does not keep ${DEPLOYMENT_KEY}`);
  return stored;
}

async function firstMarked(marks: readonly TableMark[]): Promise<TableMark | undefined> {
  for (const tableMark of marks) if ((await tableMark.read()).mark !== undefined) return tableMark;
  return undefined;
}

/** The tables without a mark; throws where one has a wrong mark. */
async function unmarked(marks: readonly TableMark[], incarnation: string): Promise<readonly TableMark[]> {
  const bare: TableMark[] = [];
  for (const tableMark of marks) {
    const { table } = tableMark;
    const { tableId, mark } = await tableMark.read();
    if (mark === undefined) bare.push(tableMark);
    else if (mark.incarnation !== incarnation)
      throw markRefusal(
        `table ${table} belongs to deployment ${mark.incarnation}, the archive to ${incarnation}`,
      );
    else if (mark.tableId !== tableId) throw copyRefusal(table);
  }
  return bare;
}

/**
 * Batches are let go of behind the publication of what they are sealed in, so manifests are looked at behind them; and before
 * them, because where a log is, the list of batches may take long over markers of those that went.
 */
async function isWithoutBatches(archive: Archive): Promise<boolean> {
  for (const prefix of [MANIFEST_PREFIX, BATCH_PREFIX, MANIFEST_PREFIX]) {
    for await (const _ of archive.list(prefix)) return false;
  }
  return true;
}

function emptied(bare: readonly TableMark[]): AuditStorageError {
  const names = bare.map(({ table }) => table).join(" and ");
  return markRefusal(
    `table ${names} is empty though the archive holds batches; \`auditlog rebuild\` restores it from them`,
  );
}
