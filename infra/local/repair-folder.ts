/** `auditlog repair` on the file store: works on the folder itself, and so only where no service has it. */
import { repairLog } from "#adapters/file/repair.ts";
import type { RepairReport, RepairRequest } from "#cli/repair-report.ts";
import { readConfig } from "#functions/config.ts";
import { terminalProgress, withFolder } from "#infra/local/open-audit.ts";

/**
 * @throws AuditStorageError `folder-locked`, `foreign-log`, `storage-unavailable`
 * @throws AuditServiceError `invalid-configuration`
 */
export async function repairFolder({ file, isDryRun }: RepairRequest): Promise<RepairReport> {
  const path = file ?? readConfig().filePath;
  const onProgress = terminalProgress();
  return withFolder(
    () => repairLog({ path, isDryRun, onProgress }),
    (_url, refusal) => {
      throw refusal;
    },
  );
}
