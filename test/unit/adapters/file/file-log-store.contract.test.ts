// The file form of the log's objects keeps the contracts of Archive and LogStore, and refuses keys that lead elsewhere.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import type { LogStore } from "#service/log-ports.ts";
import { archiveContract } from "#test/contract/archive.ts";
import { logStoreContract } from "#test/contract/log-store.ts";

interface Opened {
  readonly store: LogStore;
  readonly archive: LogStore;
  readonly close: () => Promise<void>;
}

async function openStore(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  const store = createFileLogStore({ folder, prefixes: ["contract/", "staging/"] });
  return { store, archive: store, close: async () => rm(folder, { recursive: true }) };
}

archiveContract("the file log store", openStore);
logStoreContract("the file log store", openStore);
