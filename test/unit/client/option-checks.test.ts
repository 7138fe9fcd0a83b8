// Options of the library and of the client: refused where they are given, all problems at once, each by name.
import { join } from "node:path";
import { createAuditClient, createAuditService } from "audit-service";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { newFolder } from "#test/support/folders.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

const URL_OF_NOTHING = "http://127.0.0.1:1";

describe("createAuditService", () => {
  it.each([
    ["maxFileBytes", Number.NaN, "maxFileBytes is NaN; expected an integer from 4096 to 2147483648"],
    ["maxFileBytes", -1, "maxFileBytes is -1; expected an integer from 4096 to 2147483648"],
    ["maxFileBytes", 1, "maxFileBytes is 1; expected an integer from 4096 to 2147483648"],
    ["maxFileBytes", "5000", 'maxFileBytes is "5000"; expected an integer from 4096 to 2147483648'],
    ["maxFileBytes", 2 ** 31 + 1, "maxFileBytes is 2147483649; expected an integer from 4096 to 2147483648"],
    ["backupCount", Number.NaN, "backupCount is NaN; expected an integer from 0 to 100000"],
    ["backupCount", 1.5, "backupCount is 1.5; expected an integer from 0 to 100000"],
    ["filePath", "", 'filePath is ""; expected the path of a file'],
    ["filePath", "logs/", 'filePath is "logs/"; expected the path of a file'],
    ["filePath", null, "filePath is null; expected the path of a file"],
    ["serviceName", " ", 'serviceName is " "; expected a name of at most 256 bytes that is not blank'],
    ["store", {}, "store is an object; expected a store with the methods of EventQueue and EventStore"],
    [
      "filepath",
      "a",
      "filepath is no option; expected filePath, maxFileBytes, backupCount, serviceName or store",
    ],
  ])("refuses %s %j", async (name, value, problem) => {
    const filePath = join(await newFolder(), "audit.jsonl");

    const attempt = createAuditService({ filePath, [name]: value });

    await expect(attempt).rejects.toMatchObject({
      code: "invalid-configuration",
      message: `the configuration is not valid:\n  ${problem}`,
      errors: [{ path: name }],
    });
  });

  it("names every problem at once, those of the environment too", async () => {
    vi.stubEnv("AUDIT_BATCH_SIZE", "0");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });

    const attempt = createAuditService({ maxFileBytes: Number.NaN, backupCount: -1 });

    await expect(attempt).rejects.toMatchObject({
      code: "invalid-configuration",
      errors: [{ path: "maxFileBytes" }, { path: "backupCount" }, { path: "AUDIT_BATCH_SIZE" }],
    });
  });

  it("takes what fits, and undefined for what is left open", async () => {
    const filePath = join(await newFolder(), "audit.jsonl");

    await using small = await createAuditService({ filePath, maxFileBytes: 4096, backupCount: 0 });
    await using custom = await createAuditService({ store: new MemoryStore(), serviceName: undefined });

    expect(await small.health()).toMatchObject({ status: "healthy" });
    expect(await custom.health()).toMatchObject({ status: "healthy" });
  });
});

describe("createAuditClient", () => {
  it.each([
    ["timeoutMs", Number.NaN, "timeoutMs is NaN; expected an integer from 1 to 2147483647"],
    ["timeoutMs", 0, "timeoutMs is 0; expected an integer from 1 to 2147483647"],
    ["maxRetries", Number.NaN, "maxRetries is NaN; expected an integer from 0 to 1000"],
    ["maxRetries", Number.POSITIVE_INFINITY, "maxRetries is Infinity; expected an integer from 0 to 1000"],
    ["retryDelayMs", -1, "retryDelayMs is -1; expected a number from 0 to 2147483647"],
    ["batchSize", Number.NaN, "batchSize is NaN; expected an integer from 1 to 1000"],
    ["batchSize", 1001, "batchSize is 1001; expected an integer from 1 to 1000"],
    ["flushIntervalMs", Number.NaN, "flushIntervalMs is NaN; expected a number from 0 to 3600000"],
    ["maxPending", 0, "maxPending is 0; expected an integer from 1 to 1000000"],
    ["serviceName", "", 'serviceName is ""; expected a name of at most 256 bytes that is not blank'],
    ["apiKey", "se\ncret", "apiKey is not shown; expected a key of visible ASCII characters"],
    ["url", "localhost:8000", 'url is "localhost:8000"; expected an http or https address'],
    ["retries", 3, /^retries is no option; expected url, apiKey, /],
  ])("refuses %s %j", (name, value, problem) => {
    const create = (): unknown => createAuditClient({ url: URL_OF_NOTHING, [name]: value });

    expect(create).toThrow(
      expect.objectContaining({
        code: "invalid-configuration",
        errors: [{ path: name, message: expect.stringMatching(tailOf(problem)) }],
      }),
    );
  });

  it("names every problem at once", () => {
    const create = (): unknown => createAuditClient({ url: "", timeoutMs: -1, maxRetries: Number.NaN });

    expect(create).toThrow(
      expect.objectContaining({
        errors: [{ path: "url" }, { path: "timeoutMs" }, { path: "maxRetries" }].map((error) =>
          expect.objectContaining(error),
        ),
      }),
    );
  });
});

/** A problem without the name in front. */
function tailOf(problem: string | RegExp): string | RegExp {
  return typeof problem === "string"
    ? problem.slice(problem.indexOf(" ") + 1)
    : /^is no option; expected url, apiKey, /;
}
