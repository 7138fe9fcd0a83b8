/** The embedded audit log on the file store: what the library and the command line open when no service is asked. */
import type { FileStore, FileStoreOptions } from "#adapters/file/file-store.ts";
import { openFileStore } from "#adapters/file/file-store.ts";
import type { AuditService } from "#client/audit-service.ts";
import { createEmbeddedService } from "#infra/local/embedded.ts";
import { createReadableLog } from "#infra/local/readable-log.ts";

export interface FileServiceOptions {
  /** The live file; its folder is created where it is missing. */
  readonly filePath: string;
  readonly maxFileBytes: number;
  readonly backupCount: number;
  /** Whether what was written is sealed before the folder is given up. */
  readonly isSealed: boolean;
  /** Name of the log; undefined: the one that it has, or a new one. */
  readonly logOrigin: string | undefined;
  /** `service_name` of events that name none; undefined: they are refused. */
  readonly serviceName: string | undefined;
  /** Called while the index of a large log is rebuilt. */
  readonly onProgress?: FileStoreOptions["onProgress"] | undefined;
}

/** @throws AuditStorageError `folder-locked`, `foreign-log`, `storage-unavailable` */
export async function openFileService(options: FileServiceOptions): Promise<AuditService> {
  const { filePath, maxFileBytes, backupCount, serviceName, onProgress, isSealed, logOrigin } = options;
  const store = await openFileStore({
    path: filePath,
    maxFileBytes,
    backupCount,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const linesBefore = store.tail.durableLines;
  const letGo = async (): Promise<void> => {
    try {
      await store.flush();
      if (isSealed && store.tail.durableLines > linesBefore) await seal(store, logOrigin);
    } finally {
      await store.close();
    }
  };
  return createEmbeddedService({ queue: store, store, log: createReadableLog(store), serviceName, letGo });
}

/** Events are stored whatever becomes of it, and sealed by the next that writes. */
async function seal(store: FileStore, logOrigin: string | undefined): Promise<void> {
  try {
    const { sealAtClose } = await import("#infra/local/seal-at-close.ts");
    await sealAtClose(store, logOrigin);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`the events are stored, but not sealed yet: ${reason}`, "AuditServiceWarning");
  }
}
