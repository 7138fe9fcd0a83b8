/** What a rebuild makes sure of before it begins: that archive and tables are of one deployment, and what the tables hold. */
import { AuditStorageError } from "#lib/errors.ts";
import type { Deployment } from "#service/deployment.ts";
import { readDeployment } from "#service/deployment.ts";
import type { Archive } from "#service/ports.ts";
import type { TableMark } from "#service/table-mark.ts";

/** What is to be rebuilt, and from what. */
export interface RebuildTables {
  readonly archive: Archive;
  readonly eventMark: TableMark;
  readonly ledgerMark: TableMark;
  /** Whether the table of events holds any, besides its mark. */
  readonly holdsEvents: () => Promise<boolean>;
  /** Whether the ledger holds anything, besides its mark. */
  readonly holdsRows: () => Promise<boolean>;
}

export async function deploymentOf({ archive }: Pick<RebuildTables, "archive">): Promise<Deployment> {
  const deployment = await readDeployment(archive);
  if (deployment !== undefined) return deployment;
  throw refusal(
    "the archive holds no deployment.json, so there is nothing to rebuild; is it the right bucket?",
  );
}

export async function checkedTableIds(
  { eventMark, ledgerMark }: RebuildTables,
  incarnation: string,
): Promise<readonly string[]> {
  const tableIds: string[] = [];
  for (const tableMark of [eventMark, ledgerMark]) {
    const { tableId, mark } = await tableMark.read();
    const { table } = tableMark;
    if (mark !== undefined && mark.incarnation !== incarnation)
      throw refusal(
        `table ${table} belongs to another deployment than the archive; give the names of one stack`,
      );
    if (mark !== undefined && mark.tableId !== tableId)
      throw refusal(
        `table ${table} is a copy, as a restored backup is; create it anew, empty, and rebuild that: everything is in the archive`,
      );
    tableIds.push(tableId);
  }
  return tableIds;
}

export async function refuseOccupied(
  { eventMark, ledgerMark, holdsEvents, holdsRows }: RebuildTables,
  { isResumed, isBegun }: { readonly isResumed: boolean; readonly isBegun: boolean },
): Promise<void> {
  const [hasEvents, hasRows] = await Promise.all([holdsEvents(), holdsRows()]);
  if (hasEvents && !hasRows && !isBegun)
    throw refusal(
      `table ${eventMark.table} holds events, but ${ledgerMark.table}, which says in which lanes they are, is empty; create ${eventMark.table} anew, empty, too`,
    );
  if (isResumed || !(hasEvents || hasRows)) return;
  const names = [...(hasEvents ? [eventMark.table] : []), ...(hasRows ? [ledgerMark.table] : [])].join(
    " and ",
  );
  throw refusal(`table ${names} is not empty; --resume completes what is there, and changes nothing of it`);
}

function refusal(message: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", message);
}
