/** The embedded audit log on the file store: what the library and the command line open when no service is asked. */
import type { FileStoreOptions } from "#adapters/file/file-store.ts";
import { openFileStore } from "#adapters/file/file-store.ts";
import type { AuditService } from "#client/audit-service.ts";
import { createEmbeddedService } from "#infra/local/embedded.ts";

export interface FileServiceOptions {
  /** The live file; its folder is created where it is missing. */
  readonly filePath: string;
  readonly maxFileBytes: number;
  readonly backupCount: number;
  /** `service_name` of events that name none; undefined: they are refused. */
  readonly serviceName: string | undefined;
  /** Called while the index of a large log is rebuilt. */
  readonly onProgress?: FileStoreOptions["onProgress"] | undefined;
}

/** @throws AuditStorageError `folder-locked`, `foreign-log`, `storage-unavailable` */
export async function openFileService(options: FileServiceOptions): Promise<AuditService> {
  const { filePath, maxFileBytes, backupCount, serviceName, onProgress } = options;
  const store = await openFileStore({
    path: filePath,
    maxFileBytes,
    backupCount,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return createEmbeddedService({
    queue: store,
    store,
    serviceName,
    letGo: () => store.close(),
  });
}
