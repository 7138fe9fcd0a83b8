// Quarantine keeps what can never be stored: once, whole, with its reason, and durable before it returns.
import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import type { QuarantineEntry } from "#service/quarantine.ts";
import { createQuarantine, quarantineKey } from "#service/quarantine.ts";
import { withFaults } from "#test/support/faults.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";

const ENTRY: QuarantineEntry = {
  reason: "validation-failed",
  errors: [{ path: "/action", message: "is required" }],
  source: "intake",
  messageId: "5f8e8e2f-7a40-4d5c-9f1e-2a5f3c9b7d11",
  index: 3,
  sentAtMs: Date.parse("2026-03-01T23:59:59.999Z"),
  text: '{"service_name":"漢 😀"}',
};

describe("an entry in quarantine", () => {
  it("is an object with the reason and what was sent, found by when it was sent", async () => {
    const archive = new MemoryArchive();

    await createQuarantine(archive)([ENTRY]);

    const key = "quarantine/dt=2026-03-01/hh=23/5f8e8e2f-7a40-4d5c-9f1e-2a5f3c9b7d11-3.json";
    expect([...archive.objects.keys()]).toEqual([key]);
    expect(JSON.parse(Buffer.from((await archive.get(key)) ?? []).toString())).toEqual({
      format: 1,
      reason: "validation-failed",
      errors: ENTRY.errors,
      source: "intake",
      message_id: ENTRY.messageId,
      sent_at: "2026-03-01T23:59:59.999Z",
      text: ENTRY.text,
    });
  });

  it("is written once, however often its message is delivered", async () => {
    const archive = new MemoryArchive();
    const quarantine = createQuarantine(archive);
    const entries = Array.from({ length: 30 }, (_, index) => ({ ...ENTRY, index }));

    await quarantine(entries);
    await quarantine(entries);

    expect([...archive.objects.keys()]).toEqual(entries.map(quarantineKey));
  });

  it("is not taken for kept where the archive refuses it", async () => {
    const { port: archive, fail } = withFaults(new MemoryArchive());
    fail("putIfAbsent", new AuditStorageError("storage-unavailable", "made to fail", { retryable: true }));

    const quarantining = createQuarantine(archive)([ENTRY]);

    await expect(quarantining).rejects.toMatchObject({ code: "storage-unavailable" });
  });
});
