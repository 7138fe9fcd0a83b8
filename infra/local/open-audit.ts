/**
 * Finds the audit log that a command is about: a service by its address, or the log in a folder, opened directly when
 * it is free and through the service that owns it when it is not.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Target } from "#cli/context.ts";
import type { AuditService } from "#client/audit-service.ts";
import { createAuditClient } from "#client/http-client.ts";
import { readConfig } from "#functions/config.ts";
import { readCliConfig } from "#infra/local/config.ts";
import { openFileService } from "#infra/local/file-service.ts";
import { createStartProgress } from "#infra/local/start-progress.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** Another command holds a folder only for moments, and a service that starts tells its address soon. */
const LOCK_PATIENCE_MS = 5000;
const LOCK_PAUSE_MS = 100;
const PROBE_TIMEOUT_MS = 1000;

/**
 * @throws AuditStorageError `folder-locked`, `foreign-log`, `storage-unavailable`
 * @throws AuditServiceError `invalid-configuration`
 */
export async function openAudit({ url, file }: Target): Promise<AuditService> {
  const { url: configuredUrl } = readCliConfig();
  const address = url ?? (file === undefined ? configuredUrl : undefined);
  return address === undefined ? openFolder(file) : connect(address);
}

function connect(url: string): AuditService {
  const { batchSize, flushIntervalMs } = readConfig();
  return createAuditClient({ url, apiKey: readCliConfig().apiKey, batchSize, flushIntervalMs });
}

async function openFolder(file: string | undefined): Promise<AuditService> {
  const { filePath, maxFileBytes, backupCount, sealIntervalMs, logOrigin } = readConfig();
  const onProgress = terminalProgress();
  const open = (): Promise<AuditService> =>
    openFileService({
      filePath: file ?? filePath,
      maxFileBytes,
      backupCount,
      isSealed: sealIntervalMs > 0,
      logOrigin,
      serviceName: undefined,
      onProgress,
    });
  return withFolder(open, connect);
}

/** For a person who waits; undefined where nobody looks. */
export function terminalProgress(): ReturnType<typeof createStartProgress> | undefined {
  if (!process.stderr.isTTY) return undefined;
  return createStartProgress({ nowMs: Date.now, write: (text) => process.stderr.write(text) });
}

/**
 * Does what needs a folder for itself, and waits its turn where another command is at work there.
 * @param whenServed called in its place with the address and the refusal, where a service has the folder
 * @throws AuditStorageError `folder-locked` where the folder does not become free
 */
export async function withFolder<T>(
  work: () => Promise<T>,
  whenServed: (url: string, refusal: AuditServiceError) => T,
): Promise<T> {
  const deadline = performance.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AuditServiceError) || error.code !== "folder-locked") throw error;
      const owner = error.details["url"];
      if (typeof owner === "string" && (await isServing(owner))) return whenServed(owner, error);
      if (performance.now() >= deadline) throw error;
    }
    await pause(LOCK_PAUSE_MS);
  }
}

/** The address may be that of a service which was killed, while a mere command holds the folder now. */
async function isServing(url: string): Promise<boolean> {
  const probe = createAuditClient({ url, timeoutMs: PROBE_TIMEOUT_MS, maxRetries: 0 });
  try {
    await probe.health();
    return true;
  } catch (error) {
    if (error instanceof AuditServiceError) return false;
    throw error;
  } finally {
    await probe.close();
  }
}
