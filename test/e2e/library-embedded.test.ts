// What is particular to the log in this process: its configuration, its folder, and a store of someone's own.
import { join } from "node:path";
import { AuditStorageError, createAuditService } from "audit-service";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { newFolder } from "#test/support/folders.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

describe("createAuditService", () => {
  it("is configured by the environment, and by options before it", async () => {
    const folder = await newFolder();
    vi.stubEnv("AUDIT_FILE_PATH", join(folder, "by-env.jsonl"));
    vi.stubEnv("AUDIT_SERVICE_NAME", "from-env");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });

    await using audit = await createAuditService();
    await audit.log({ event_id: "one", action: "a" });
    await audit.close();
    await using again = await createAuditService({
      filePath: join(folder, "by-env.jsonl"),
      serviceName: "x",
    });

    expect(await again.get("one")).toMatchObject({ service_name: "from-env" });
  });

  it("names every problem of the configuration", async () => {
    vi.stubEnv("AUDIT_BACKUP_COUNT", "-1");
    vi.stubEnv("AUDIT_BATCH_SIZE", "0");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });

    await expect(createAuditService()).rejects.toMatchObject({
      code: "invalid-configuration",
      errors: [{ path: "AUDIT_BACKUP_COUNT" }, { path: "AUDIT_BATCH_SIZE" }],
    });
  });

  it("keeps what was logged over a restart", async () => {
    const filePath = join(await newFolder(), "audit.jsonl");
    {
      await using audit = await createAuditService({ filePath });
      await audit.log({ event_id: "kept", action: "a" });
    }

    await using again = await createAuditService({ filePath });

    expect(await again.get("kept")).toMatchObject({ action: "a", service_name: "audit_service" });
  });

  it("proves what was sealed when the log was closed, and feeds it", async () => {
    const filePath = join(await newFolder(), "audit.jsonl");
    {
      await using audit = await createAuditService({ filePath });
      await audit.logBatch([
        { event_id: "one", action: "a" },
        { event_id: "two", action: "a" },
      ]);
    }

    await using again = await createAuditService({ filePath });
    await again.log({ event_id: "three", action: "a" });

    const line = await again.line("two");
    expect(await again.proof("two")).toMatchObject({ leaf_index: 1, log_size: 2, line });
    await expect(again.proof("three")).rejects.toMatchObject({ code: "not-yet-sealed" });
    expect((await Array.fromAsync(again.feed())).map(({ event_id: id }) => id)).toEqual(["one", "two"]);
  });

  it("refuses a folder that another one owns", async () => {
    const filePath = join(await newFolder(), "audit.jsonl");
    await using _owner = await createAuditService({ filePath });

    const attempt = createAuditService({ filePath });

    await expect(attempt).rejects.toBeInstanceOf(AuditStorageError);
    await expect(attempt).rejects.toMatchObject({ code: "folder-locked" });
  });

  it("keeps events in a store of someone's own", async () => {
    const store = new MemoryStore();
    await using audit = await createAuditService({ store, serviceName: "shop" });

    await audit.log({ action: "a" });

    expect(store.lines).toHaveLength(1);
  });
});
