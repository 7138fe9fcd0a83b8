// The file store keeps the contracts of both ports, also when every few lines fill a file and old files are compressed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FileStore, FileStoreOptions } from "#adapters/file/file-store.ts";
import { eventQueueContract } from "#test/contract/event-queue.ts";
import { eventStoreContract } from "#test/contract/event-store.ts";
import type { QueueUnderTest, StoreUnderTest } from "#test/contract/subjects.ts";
import { faultyFileIo, systemError } from "#test/support/faults.ts";
import { copyOfFolder, linesOnDisk } from "#test/support/folders.ts";
import { openLog } from "#test/support/stores.ts";

const SMALL_FILES = { maxFileBytes: 20_000, backupCount: 1 };

async function openStore(options: Omit<FileStoreOptions, "path">): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  const store = await openLog(folder, options);
  return {
    store,
    put: async (lines) => {
      await store.send(lines);
    },
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The queue goes on over a copy of its folder after a crash; the store that crashed is left as it is. */
async function openQueue(options: Omit<FileStoreOptions, "path">): Promise<QueueUnderTest> {
  const root = await mkdtemp(join(tmpdir(), "audit-test-"));
  const io = faultyFileIo();
  const opened: FileStore[] = [];
  let folder = join(root, "0");
  const open = async (): Promise<FileStore> => {
    const store = await openLog(folder, { ...options, io });
    opened.push(store);
    return store;
  };
  let current = await open();
  return {
    queue: { send: (lines) => current.send(lines) },
    stored: async (key) => (await current.get(key))?.text,
    storedOf: async (tenantId) => {
      const lines = await linesOnDisk(folder);
      return lines.filter((line) => line.includes(`"tenant_id":"${tenantId}"`));
    },
    knowsAtOnce: true,
    crash: async () => {
      folder = await copyOfFolder(folder, join(root, String(opened.length)));
      current = await open();
    },
    breakStorage: () => {
      io.failWrites({ error: systemError("ENOSPC"), afterBytes: 100, times: 1000 });
      return io.heal;
    },
    close: async () => {
      for (const store of opened) await store.close();
      await rm(root, { recursive: true });
    },
  };
}

eventStoreContract("the file store", () => openStore({}));
eventStoreContract("the file store with small files", () => openStore(SMALL_FILES));
eventQueueContract("the file store", () => openQueue({}));
eventQueueContract("the file store with small files", () => openQueue(SMALL_FILES));
