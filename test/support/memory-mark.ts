// The mark of a table that is kept in memory: each has an identity of its own, as each DynamoDB table has.
import { randomUUID } from "node:crypto";

import type { Mark, TableMark } from "#service/table-mark.ts";

/** @param copyOf a table whose mark it has without being that table, as a restored backup has */
export function memoryMark(
  table: string,
  copyOf: { readonly mark: Mark | undefined } = { mark: undefined },
): TableMark {
  const tableId = randomUUID();
  let { mark } = copyOf;
  return {
    table,
    read: async () => ({ tableId, mark }),
    write: async (wanted) => {
      mark ??= wanted;
    },
  };
}
