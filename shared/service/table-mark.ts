/**
 * The marks that tables carry, and what they say by themselves: whether the tables belong together. Apart from the
 * deployment, which knows the archive as well, so that those who only read bring none of that.
 */
import { AuditStorageError } from "#lib/errors.ts";

/** What a table carries to say whose it is. */
export interface Mark {
  /** The deployment that it belongs to. */
  readonly incarnation: string;
  /** The identity of the very table that was marked; a copy of it has another. */
  readonly tableId: string;
}

export interface ReadableMark {
  /** Name of the table, for messages. */
  readonly table: string;
  /**
   * The identity of the table itself and the mark in it, read consistently.
   * @throws AuditStorageError `storage-unavailable`
   */
  read(): Promise<{ readonly tableId: string; readonly mark: Mark | undefined }>;
}

export interface TableMark extends ReadableMark {
  /** Writes the mark where there is none. */
  write(mark: Mark): Promise<void>;
}

const RESTORE = "restore it by `auditlog rebuild`";

/**
 * Whether the tables belong together, by their marks alone: for those who only read, and have nothing to do with the
 * archive. Tables that are all without a mark pass, as before the first start; only the archive knows more of them.
 * @throws AuditStorageError `storage-unavailable`: not retryable where one lacks its mark, is a copy, or is of another
 * deployment than the others
 */
export async function checkMarks(marks: readonly ReadableMark[]): Promise<void> {
  const found = await Promise.all(
    marks.map(async (tableMark) => ({ table: tableMark.table, ...(await tableMark.read()) })),
  );
  const marked = found.flatMap(({ table, tableId, mark }) =>
    mark === undefined ? [] : [{ table, isCopy: mark.tableId !== tableId, incarnation: mark.incarnation }],
  );
  const [first] = marked;
  if (first === undefined) return;
  const bare = found.find(({ mark }) => mark === undefined);
  if (bare !== undefined)
    throw markRefusal(
      `table ${bare.table} is empty though table ${first.table} belongs to a deployment; ${RESTORE}`,
    );
  const copy = marked.find(({ isCopy }) => isCopy);
  if (copy !== undefined) throw copyRefusal(copy.table);
  const other = marked.find(({ incarnation }) => incarnation !== first.incarnation);
  if (other !== undefined)
    throw markRefusal(
      `table ${other.table} belongs to deployment ${other.incarnation}, table ${first.table} to ${first.incarnation}; ${RESTORE}`,
    );
}

/** @param table name of one that has another identity than its mark says */
export function copyRefusal(table: string): AuditStorageError {
  return markRefusal(
    `table ${table} is a copy, as a restored backup is, and lacks what was stored after it was made; ${RESTORE}`,
  );
}

/** Not retryable: no waiting makes tables belong together. */
export function markRefusal(message: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", message);
}
