/** What the options of the library may be, and the configuration of the environment beside them, checked together. */
import type { OptionRule } from "#client/option-checks.ts";
import { integerRule, refuseProblems, serviceNameRule } from "#client/option-checks.ts";
import type { Config } from "#functions/config.ts";
import { readConfig } from "#functions/config.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";
import type { EventQueue, EventStore } from "#service/ports.ts";

/** A smaller file would be rotated at nearly every commit. */
const MIN_FILE_BYTES = 4096;
/** Offsets in a file are kept in 32 bits; one commit may still pass the rotation size. */
const MAX_FILE_BYTES = 2 ** 31;
const MAX_BACKUP_COUNT = 100_000;
const STORE_METHODS: readonly (keyof EventQueue | keyof EventStore)[] = [
  "send",
  "get",
  "page",
  "count",
  "flush",
  "probe",
];

const filePath: OptionRule = {
  isFit: (value) => typeof value === "string" && /^[^\0]*[^/\0]$/.test(value),
  expected: "the path of a file",
};

const store: OptionRule = {
  isFit: (value) =>
    typeof value === "object" &&
    value !== null &&
    STORE_METHODS.every((name) => typeof Reflect.get(value, name) === "function"),
  expected: "a store with the methods of EventQueue and EventStore",
};

/** For the options of createAuditService. */
export const SERVICE_OPTIONS = {
  filePath,
  maxFileBytes: integerRule(MIN_FILE_BYTES, MAX_FILE_BYTES),
  backupCount: integerRule(0, MAX_BACKUP_COUNT),
  serviceName: serviceNameRule,
  store,
} as const;

/**
 * The configuration of the environment, where it is valid and so are the options.
 * @throws AuditServiceError `invalid-configuration` with the problems of both
 */
export function readConfigBeside(problems: readonly FieldError[]): Config {
  const config = readConfigOr((error) => refuseProblems([...problems, ...error.errors]));
  refuseProblems(problems);
  return config;
}

function readConfigOr(onInvalid: (error: AuditServiceError) => void): Config {
  try {
    return readConfig();
  } catch (error) {
    if (error instanceof AuditServiceError) onInvalid(error);
    throw error;
  }
}
