/**
 * The two private keys of a log on one machine: one signs its checkpoints, the other says when they were the newest. Made
 * when the log is founded, which happens once: what is lost later is asked for, since another key would begin another
 * history. The name in the first is the origin of the log, which never changes.
 */
import { existsSync } from "node:fs";
import { foundLog, lostKey } from "#adapters/file/found-log.ts";
import { readKey } from "#adapters/file/key-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { AuditServiceError } from "#lib/errors.ts";
import type { LogSigner } from "#service/log-ports.ts";
import { ED25519, formatVerifierKey } from "#tlog/note.ts";

export interface LogKeys {
  /** Name of the log. */
  readonly origin: string;
  readonly log: LogSigner;
  readonly freshness: LogSigner;
  /** Verifier key of the log, one line without its newline. */
  readonly verifierKey: string;
}

/**
 * Reads the keys, and founds the log where there is none.
 * @param origin undefined: the name that the log has, or a new one where it has none
 * @throws AuditServiceError `invalid-configuration` where a key file is missing, is not readable by its owner alone, belongs
 * to somebody else, is damaged, or names another origin; AuditStorageError `storage-unavailable` (retryable)
 */
export function openLogKeys(paths: LogPaths, origin: string | undefined): LogKeys {
  if (!existsSync(paths.logKey)) foundLog(paths, origin);
  const log = readKey(paths.logKey);
  if (origin !== undefined && origin !== log.name) {
    throw refusal(
      `AUDIT_LOG_ORIGIN is ${origin}, but the log in ${paths.folder} is ${log.name}: checkpoints that others keep have that name. Leave the variable out`,
    );
  }
  if (!existsSync(paths.freshnessKey)) throw lostKey(paths.freshnessKey);
  const freshness = readKey(paths.freshnessKey);
  if (freshness.name !== `${log.name}/freshness`)
    throw refusal(`${paths.freshnessKey} is a key of ${freshness.name}, not of ${log.name}/freshness`);
  const verifierKey = formatVerifierKey({ name: log.name, algorithm: ED25519, publicKey: log.publicKey });
  return { origin: log.name, log, freshness, verifierKey };
}

function refusal(message: string): AuditServiceError {
  return new AuditServiceError("invalid-configuration", message);
}
