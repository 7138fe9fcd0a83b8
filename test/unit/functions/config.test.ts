// Configuration: defaults, limits, and all problems at once.
import { describe, expect, it } from "vitest";
import { isLoopback, readConfig, readServerConfig } from "#functions/config.ts";
import { AuditServiceError } from "#lib/errors.ts";

const WITNESS_KEY = "witness.example.org/w+4a7ddc1d+BLUiNHG6+w0jjkuGnY6XoXWnDZ/wXZ/MYZqu8thHBRWK";

describe("readConfig", () => {
  it("answers the contract's defaults for an empty environment", () => {
    expect(readConfig({})).toEqual({
      storageType: "file",
      filePath: "logs/audit.jsonl",
      maxFileBytes: 100 * 1024 * 1024,
      backupCount: 5,
      serviceName: "audit_service",
      batchSize: 100,
      flushIntervalMs: 5000,
      apiHost: "127.0.0.1",
      apiPort: 8000,
      logLevel: "info",
      sealIntervalMs: 2000,
      logOrigin: undefined,
      witnesses: [],
    });
  });

  it("reads every variable", () => {
    const config = readConfig({
      AUDIT_STORAGE_TYPE: "dynamodb",
      AUDIT_FILE_PATH: "/var/log/audit/a.jsonl",
      AUDIT_MAX_FILE_SIZE_MB: "1",
      AUDIT_BACKUP_COUNT: "0",
      AUDIT_SERVICE_NAME: "shop",
      AUDIT_BATCH_SIZE: "1000",
      AUDIT_FLUSH_INTERVAL: "0.25",
      AUDIT_API_HOST: "::1",
      AUDIT_API_PORT: "0",
      AUDIT_API_LOG_LEVEL: "WARNING",
      AUDIT_SEAL_INTERVAL: "0.5",
      AUDIT_LOG_ORIGIN: "audit.example.org/log",
      AUDIT_WITNESSES: `[{"url":"https://witness.example.org/w","vkey":"${WITNESS_KEY}"}]`,
    });

    expect(config).toEqual({
      storageType: "dynamodb",
      filePath: "/var/log/audit/a.jsonl",
      maxFileBytes: 1024 * 1024,
      backupCount: 0,
      serviceName: "shop",
      batchSize: 1000,
      flushIntervalMs: 250,
      apiHost: "::1",
      apiPort: 0,
      logLevel: "warn",
      sealIntervalMs: 500,
      logOrigin: "audit.example.org/log",
      witnesses: [{ url: "https://witness.example.org/w", verifierKey: WITNESS_KEY }],
    });
  });

  it("takes an empty variable for an absent one", () => {
    expect(readConfig({ AUDIT_API_PORT: "" }).apiPort).toBe(8000);
  });

  it.each([
    ["AUDIT_STORAGE_TYPE", "s3"],
    ["AUDIT_FILE_PATH", "logs/"],
    ["AUDIT_MAX_FILE_SIZE_MB", "0"],
    ["AUDIT_MAX_FILE_SIZE_MB", "1.5"],
    ["AUDIT_MAX_FILE_SIZE_MB", "2049"],
    ["AUDIT_BACKUP_COUNT", "-1"],
    ["AUDIT_SERVICE_NAME", "  "],
    ["AUDIT_BATCH_SIZE", "1001"],
    ["AUDIT_FLUSH_INTERVAL", "5s"],
    ["AUDIT_FLUSH_INTERVAL", "3601"],
    ["AUDIT_API_HOST", "http://localhost"],
    ["AUDIT_API_PORT", "65536"],
    ["AUDIT_API_PORT", "0x50"],
    ["AUDIT_API_LOG_LEVEL", "loud"],
    ["AUDIT_SEAL_INTERVAL", "-1"],
    ["AUDIT_LOG_ORIGIN", "two words"],
    ["AUDIT_LOG_ORIGIN", "a+b"],
    ["AUDIT_WITNESSES", "https://witness.example.org"],
    ["AUDIT_WITNESSES", '[{"url":"ftp://witness","vkey":"x"}]'],
  ])("refuses %s=%j, naming variable, value and expectation", (name, value) => {
    const error = errorOf(() => readConfig({ [name]: value }));

    expect(error.code).toBe("invalid-configuration");
    expect(error.errors).toHaveLength(1);
    expect(error.errors[0]?.path).toBe(name);
    expect(error.message).toContain(`${name} is ${JSON.stringify(value)}; expected `);
  });

  it("reports all problems at once", () => {
    const error = errorOf(() =>
      readConfig({ AUDIT_API_PORT: "x", AUDIT_BATCH_SIZE: "x", AUDIT_BACKUP_COUNT: "x" }),
    );

    expect(error.errors.map(({ path }) => path)).toEqual([
      "AUDIT_BACKUP_COUNT",
      "AUDIT_BATCH_SIZE",
      "AUDIT_API_PORT",
    ]);
  });
});

describe("readServerConfig", () => {
  it("refuses what a server on one machine must not do, beside other problems", () => {
    const error = errorOf(() =>
      readServerConfig({ AUDIT_STORAGE_TYPE: "dynamodb", AUDIT_API_HOST: "0.0.0.0", AUDIT_API_PORT: "x" }),
    );

    expect(error.errors.map(({ path }) => path)).toEqual([
      "AUDIT_API_PORT",
      "AUDIT_STORAGE_TYPE",
      "AUDIT_API_HOST",
    ]);
  });

  it.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("listens on %s without keys", (host) => {
    expect(readServerConfig({ AUDIT_API_HOST: host }).apiHost).toBe(host);
  });

  it.each(["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.example.org", "localhost.example.org"])(
    "does not take %s for loopback",
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

function errorOf(read: () => unknown): AuditServiceError {
  try {
    read();
  } catch (error) {
    if (error instanceof AuditServiceError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
