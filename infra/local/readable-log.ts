/** The log of a folder as proofs and the feed read it, whoever seals it. */
import { createFileLeafStore } from "#adapters/file/file-leaf-store.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import type { FileStore } from "#adapters/file/file-store.ts";
import type { ReadableLog } from "#infra/local/unsealed-log.ts";

export function createReadableLog(store: FileStore): ReadableLog {
  return {
    // A line has its leaf by its number, sealed or not: readers hold it against the published checkpoint.
    leaves: createFileLeafStore({ store, sealedLeaves: () => Number.MAX_SAFE_INTEGER }),
    objects: createFileLogStore({ folder: store.paths.folder }),
  };
}
