/**
 * Configuration: the only reader of the environment. All AUDIT_* variables are checked together, and every problem is
 * reported at once, naming the variable, its value and what is expected. An empty variable counts as absent.
 */
import * as z from "zod";
import type { AwsConfig, AwsVariable } from "#functions/aws-variables.ts";
import { AWS_VARIABLES } from "#functions/aws-variables.ts";
import type { WitnessAddress } from "#functions/log-variables.ts";
import { EXPECTED_ORIGIN, EXPECTED_WITNESSES, LogOrigin, Witnesses } from "#functions/log-variables.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_FILE_PATH = "logs/audit.jsonl";
/** Small enough to move and compress at once, large enough that a busy log has few files. */
const DEFAULT_MAX_FILE_SIZE_MB = 100;
const DEFAULT_BACKUP_COUNT = 5;
const DEFAULT_SERVICE_NAME = "audit_service";
const DEFAULT_BATCH_SIZE = 100;
const DEFAULT_FLUSH_INTERVAL_S = 5;
const DEFAULT_API_PORT = 8000;
/** Soon enough that nobody waits for a proof, and seldom enough that quiet logs are left alone. */
const DEFAULT_SEAL_INTERVAL_S = 2;
/** Without keys whoever reaches the port may do everything: only this machine may. */
export const LOOPBACK_HOST = "127.0.0.1";
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Offsets in a file are kept in 32 bits; one commit may still pass the rotation size. */
const MAX_FILE_SIZE_MB = 2048;
const MAX_BACKUP_COUNT = 100_000;
const MAX_BATCH_SIZE = 1000;
const MAX_INTERVAL_S = 3600;
const BYTES_PER_MB = 1024 * 1024;
const MAX_SHOWN_CHARACTERS = 64;

export interface Config {
  readonly storageType: "file" | "dynamodb";
  readonly filePath: string;
  readonly maxFileBytes: number;
  readonly backupCount: number;
  readonly serviceName: string;
  /** Events that a client sends in one request. */
  readonly batchSize: number;
  /** Longest time that a client holds an event. */
  readonly flushIntervalMs: number;
  readonly apiHost: string;
  /** 0 lets the system choose. */
  readonly apiPort: number;
  readonly logLevel: LogLevel;
  /** Time between seals while there is something to seal; 0: nothing is sealed. */
  readonly sealIntervalMs: number;
  /** Name of the log; undefined: the one that its key has, or a new one. */
  readonly logOrigin: string | undefined;
  readonly witnesses: readonly WitnessAddress[];
}

const whole = (min: number, max: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max);

const seconds = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,9})?$/)
  .transform(Number)
  .refine((value) => value <= MAX_INTERVAL_S);

const logLevel = z
  .string()
  .toLowerCase()
  .transform((level) => (level === "warning" ? "warn" : level))
  .pipe(z.enum(LOG_LEVELS));

interface Variable<Value> {
  readonly schema: z.ZodType<Value>;
  readonly fallback: Value;
  /** Completes "expected …". */
  readonly expected: string;
}

const variable = <Value>(schema: z.ZodType<Value>, fallback: Value, expected: string): Variable<Value> => ({
  schema,
  fallback,
  expected,
});

const VARIABLES = {
  AUDIT_STORAGE_TYPE: variable(z.enum(["file", "dynamodb"]), "file", "file or dynamodb"),
  AUDIT_FILE_PATH: variable(z.string().regex(/^[^\0]*[^/\0]$/), DEFAULT_FILE_PATH, "the path of a file"),
  AUDIT_MAX_FILE_SIZE_MB: variable(
    whole(1, MAX_FILE_SIZE_MB),
    DEFAULT_MAX_FILE_SIZE_MB,
    `an integer from 1 to ${MAX_FILE_SIZE_MB}`,
  ),
  AUDIT_BACKUP_COUNT: variable(
    whole(0, MAX_BACKUP_COUNT),
    DEFAULT_BACKUP_COUNT,
    `an integer from 0 to ${MAX_BACKUP_COUNT}`,
  ),
  AUDIT_SERVICE_NAME: variable(
    z.string().refine((name) => name.trim() !== "" && Buffer.byteLength(name) <= 256),
    DEFAULT_SERVICE_NAME,
    "a name of at most 256 bytes that is not blank",
  ),
  AUDIT_BATCH_SIZE: variable(
    whole(1, MAX_BATCH_SIZE),
    DEFAULT_BATCH_SIZE,
    `an integer from 1 to ${MAX_BATCH_SIZE}`,
  ),
  AUDIT_FLUSH_INTERVAL: variable(
    seconds,
    DEFAULT_FLUSH_INTERVAL_S,
    `seconds from 0 to ${MAX_INTERVAL_S}, such as 5.0`,
  ),
  AUDIT_API_HOST: variable(
    z.string().regex(/^[A-Za-z0-9.:_-]{1,255}$/),
    LOOPBACK_HOST,
    "an address or name of this machine, such as 127.0.0.1",
  ),
  AUDIT_API_PORT: variable(whole(0, 65_535), DEFAULT_API_PORT, "a port from 0 to 65535"),
  AUDIT_API_LOG_LEVEL: variable(logLevel, "info", `one of ${LOG_LEVELS.join(", ")}`),
  AUDIT_SEAL_INTERVAL: variable(
    seconds,
    DEFAULT_SEAL_INTERVAL_S,
    `seconds from 0 to ${MAX_INTERVAL_S}, such as 2.0; 0 seals nothing`,
  ),
  AUDIT_LOG_ORIGIN: variable<string | undefined>(LogOrigin, undefined, EXPECTED_ORIGIN),
  AUDIT_WITNESSES: variable<readonly WitnessAddress[]>(Witnesses, [], EXPECTED_WITNESSES),
} as const;
type VariableName = keyof typeof VARIABLES;

/**
 * The configuration, with defaults for what is not set.
 * @param env default is the environment of this process
 * @throws AuditServiceError `invalid-configuration`; `errors` have the variables' names as paths
 */
export function readConfig(env: Environment = process.env): Config {
  const { config, errors } = collect(env);
  if (errors.length > 0) throw invalid(errors);
  return config;
}

/**
 * The configuration of a server on this machine: `readConfig`, and what such a server refuses.
 * @param env default is the environment of this process
 * @throws AuditServiceError `invalid-configuration`
 */
export function readServerConfig(env: Environment = process.env): Config {
  const { config, errors } = collect(env);
  if (config.storageType === "dynamodb") {
    const reason = "is dynamodb, which the AWS stack uses; a server on one machine stores in files";
    errors.push({ path: "AUDIT_STORAGE_TYPE", message: `${reason}: set it to file or leave it out` });
  }
  if (!isLoopback(config.apiHost)) {
    const reason = `is ${config.apiHost}, which other machines can reach, but no keys are configured`;
    const wayOut =
      "whoever reaches the port could read and write the log. Set it to 127.0.0.1 or leave it out";
    errors.push({ path: "AUDIT_API_HOST", message: `${reason}: ${wayOut}` });
  }
  if (errors.length > 0) throw invalid(errors);
  return config;
}

/**
 * The configuration of a function on AWS: service name and log level, and of the stack's variables the members named.
 * @param env default is the environment of this process
 * @throws AuditServiceError `invalid-configuration`, with all problems at once
 */
export function readAwsConfig<Member extends keyof AwsConfig>(
  members: readonly Member[],
  env: Environment = process.env,
): Pick<AwsConfig, Member> & Pick<Config, "serviceName" | "logLevel"> {
  const { config, errors } = collect(env);
  const { serviceName, logLevel: level } = config;
  const values: Partial<Record<keyof AwsConfig, unknown>> = {};
  for (const member of members) {
    const read = readVariable(AWS_VARIABLES[member], env);
    if (read.kind === "problem") errors.push({ path: AWS_VARIABLES[member].name, message: read.message });
    else values[member] = read.value;
  }
  if (errors.length > 0) throw invalid(errors);
  // cast: each member was set to what its own variable was read as
  return { ...(values as Pick<AwsConfig, Member>), serviceName, logLevel: level };
}

type ReadVariable =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "problem"; readonly message: string };

function readVariable(
  { name, schema, expected, fallback }: AwsVariable<unknown>,
  env: Environment,
): ReadVariable {
  const text = env[name];
  if (text === undefined || text === "") {
    if (fallback !== undefined) return { kind: "value", value: fallback.value };
    return { kind: "problem", message: `is not set; expected ${expected}` };
  }
  const parsed = schema.safeParse(text);
  if (parsed.success) return { kind: "value", value: parsed.data };
  return { kind: "problem", message: `is ${shown(text)}; expected ${expected}` };
}

/** Whether a host to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function collect(env: Environment): { readonly config: Config; readonly errors: FieldError[] } {
  const errors: FieldError[] = [];
  const read = <Value>(name: VariableName, { schema, fallback, expected }: Variable<Value>): Value => {
    const text = env[name];
    if (text === undefined || text === "") return fallback;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    errors.push({ path: name, message: `is ${shown(text)}; expected ${expected}` });
    return fallback;
  };
  const config: Config = {
    storageType: read("AUDIT_STORAGE_TYPE", VARIABLES.AUDIT_STORAGE_TYPE),
    filePath: read("AUDIT_FILE_PATH", VARIABLES.AUDIT_FILE_PATH),
    maxFileBytes: read("AUDIT_MAX_FILE_SIZE_MB", VARIABLES.AUDIT_MAX_FILE_SIZE_MB) * BYTES_PER_MB,
    backupCount: read("AUDIT_BACKUP_COUNT", VARIABLES.AUDIT_BACKUP_COUNT),
    serviceName: read("AUDIT_SERVICE_NAME", VARIABLES.AUDIT_SERVICE_NAME),
    batchSize: read("AUDIT_BATCH_SIZE", VARIABLES.AUDIT_BATCH_SIZE),
    flushIntervalMs: read("AUDIT_FLUSH_INTERVAL", VARIABLES.AUDIT_FLUSH_INTERVAL) * 1000,
    apiHost: read("AUDIT_API_HOST", VARIABLES.AUDIT_API_HOST),
    apiPort: read("AUDIT_API_PORT", VARIABLES.AUDIT_API_PORT),
    logLevel: read("AUDIT_API_LOG_LEVEL", VARIABLES.AUDIT_API_LOG_LEVEL),
    sealIntervalMs: read("AUDIT_SEAL_INTERVAL", VARIABLES.AUDIT_SEAL_INTERVAL) * 1000,
    logOrigin: read("AUDIT_LOG_ORIGIN", VARIABLES.AUDIT_LOG_ORIGIN),
    witnesses: read("AUDIT_WITNESSES", VARIABLES.AUDIT_WITNESSES),
  };
  return { config, errors };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS));
}

function invalid(errors: readonly FieldError[]): AuditServiceError {
  const list = errors.map(({ path, message }) => `${path} ${message}`).join("\n  ");
  return new AuditServiceError("invalid-configuration", `the configuration is not valid:\n  ${list}`, {
    errors,
  });
}
