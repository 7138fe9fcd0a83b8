/**
 * The package's entry point: the audit log in this process, the client of one that runs elsewhere, and everything that
 * events and queries are made of. Both logs have the interface AuditService.
 */
import type { AuditService } from "#client/audit-service.ts";
import type { AuditClientOptions } from "#client/http-client.ts";
import { CLIENT_OPTIONS, createAuditClient as createHttpClient } from "#client/http-client.ts";
import { optionProblems } from "#client/option-checks.ts";
import { createEmbeddedService } from "#infra/local/embedded.ts";
import { openFileService } from "#infra/local/file-service.ts";
import { readConfigBeside, SERVICE_OPTIONS } from "#infra/local/library-options.ts";
import { AuditServiceError } from "#lib/errors.ts";
import type { EventQueue, EventStore } from "#service/ports.ts";

export type {
  AuditService,
  BatchEntry,
  BatchOptions,
  BatchReceipt,
  EventPage,
  EventProof,
  ExportFormat,
  FeedEvent,
  FeedOptions,
  FlushReceipt,
  GetOptions,
  HealthReport,
  LoggableEvent,
  LogReceipt,
  ProofOptions,
} from "#client/audit-service.ts";
export type { AuditClientOptions } from "#client/http-client.ts";
export type { QueueClientOptions } from "#client/queue-client.ts";
export { createQueueClient } from "#client/queue-client.ts";
export type { AuditEventDraft, Category, Level, NewEvent, StoredAuditEvent } from "#event/audit-event.ts";
export { CATEGORIES, LEVELS } from "#event/audit-event.ts";
export type { BuilderOptions, BuiltEvent, ChangedValue } from "#event/event-builder.ts";
export { AuditEventBuilder } from "#event/event-builder.ts";
export type { PreparedLine } from "#event/prepare-event.ts";
export type { ApiRequest } from "#event/shorthands.ts";
export { apiRequest, dataAccess, errorEvent, userAction } from "#event/shorthands.ts";
export type { AuditErrorCode, AuditErrorOptions, FieldError } from "#lib/errors.ts";
export {
  AuditAccessError,
  AuditQueryError,
  AuditQueueError,
  AuditServiceError,
  AuditStorageError,
  AuditValidationError,
} from "#lib/errors.ts";
export type { Instant } from "#lib/instant.ts";
export type { AuditQueryDraft } from "#query/audit-query.ts";
export type { AccessPath, EventFilter, Position, QueryPlan } from "#query/plan.ts";
export type {
  EventKey,
  EventQueue,
  EventStore,
  LineCount,
  LinePage,
  ReadCost,
  SendOutcome,
  StoreHealth,
} from "#service/ports.ts";

/** A store of someone's own: both ports, and a way to let go of it. */
export interface CustomStore extends EventQueue, EventStore {
  /** Called once, when the service is closed and nothing is under way. */
  close?(): Promise<void>;
}

export interface AuditServiceOptions {
  /** The live file of the log. @default AUDIT_FILE_PATH, or `logs/audit.jsonl` */
  readonly filePath?: string | undefined;
  /** Size at which the live file is rotated, in bytes, 4,096 to 2 GiB. @default AUDIT_MAX_FILE_SIZE_MB, or 100 MiB */
  readonly maxFileBytes?: number | undefined;
  /** Rotated files that stay uncompressed, 0 to 100,000. @default AUDIT_BACKUP_COUNT, or 5 */
  readonly backupCount?: number | undefined;
  /** `service_name` of events that name none. @default AUDIT_SERVICE_NAME, or `audit_service` */
  readonly serviceName?: string | undefined;
  /** Keeps the events instead of files. It passes the contract suites of `audit-service/testing` and its `/queue`. */
  readonly store?: CustomStore | undefined;
}

/**
 * Opens the audit log in this process, on files unless a store is given. One process at a time owns a log's folder.
 * What the options leave open the environment says, and what that leaves open, the defaults.
 *
 * @throws AuditServiceError `invalid-configuration`; `errors` name every option and variable that does not fit
 * @throws AuditStorageError `folder-locked` (`details.url` is the service that owns it, where one does), `foreign-log`,
 *   `storage-unavailable`
 *
 * @example
 * ```ts
 * import { createAuditService } from "audit-service";
 *
 * await using audit = await createAuditService({ filePath: "logs/audit.jsonl", serviceName: "shop" });
 * await audit.log({ action: "user_login", user_id: "alice" });
 * ```
 */
export async function createAuditService(options: AuditServiceOptions = {}): Promise<AuditService> {
  const config = readConfigBeside(optionProblems(options, SERVICE_OPTIONS));
  const { store, serviceName = config.serviceName } = options;
  if (store !== undefined) {
    return createEmbeddedService({
      queue: store,
      store,
      serviceName,
      letGo: async () => store.close?.(),
    });
  }
  if (config.storageType !== "file") {
    const message = `AUDIT_STORAGE_TYPE is ${config.storageType}; the library stores in files, or in the store it is given`;
    throw new AuditServiceError("invalid-configuration", message);
  }
  return openFileService({
    filePath: options.filePath ?? config.filePath,
    maxFileBytes: options.maxFileBytes ?? config.maxFileBytes,
    backupCount: options.backupCount ?? config.backupCount,
    isSealed: config.sealIntervalMs > 0,
    logOrigin: config.logOrigin,
    serviceName,
  });
}

/**
 * A client of a running audit service. What the options leave open AUDIT_SERVICE_NAME, AUDIT_BATCH_SIZE and
 * AUDIT_FLUSH_INTERVAL say, and what these leave open, the defaults.
 *
 * @throws AuditServiceError `invalid-configuration`
 *
 * @example
 * ```ts
 * import { createAuditClient } from "audit-service";
 *
 * await using audit = createAuditClient({ url: "http://127.0.0.1:8000", serviceName: "shop" });
 * const { event_id } = await audit.log(audit.event().action("user_login").user("alice"));
 * console.log(event_id);
 * ```
 */
export function createAuditClient(options: AuditClientOptions): AuditService {
  const { serviceName, batchSize, flushIntervalMs } = readConfigBeside(
    optionProblems(options, CLIENT_OPTIONS),
  );
  return createHttpClient({
    ...options,
    serviceName: options.serviceName ?? serviceName,
    batchSize: options.batchSize ?? batchSize,
    flushIntervalMs: options.flushIntervalMs ?? flushIntervalMs,
  });
}
