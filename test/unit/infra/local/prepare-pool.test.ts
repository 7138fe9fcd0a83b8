// Batches that another thread prepares are the same as those prepared here, and nothing is lost with that thread.
import { randomFillSync } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { packBatch, unpackBatch } from "#infra/local/packed-batch.ts";
import { createPreparePool } from "#infra/local/prepare-pool.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { BatchRequest, PreparedBatch } from "#service/prepare-batch.ts";
import { prepareBatch } from "#service/prepare-batch.ts";

const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });

function request(events: readonly object[]): BatchRequest {
  const text = JSON.stringify({ events });
  return { text, receivedAtMs: Date.now(), keyTenant: undefined, idempotencyKey: "k", isAtomic: false };
}

const LARGE = Array.from({ length: 100 }, (_, number) => ({
  action: `line one\nline two ${number}`,
  service_name: "ünïcode",
  tenant_id: number % 2 === 0 ? "a" : "b",
  level: "error",
  timestamp: "2026-01-01T00:00:00.000000001Z",
  message: "m".repeat(100),
  ...(number % 3 === 0 ? { user_id: "u\nv", resource_id: `r${number}` } : {}),
  ...(number % 7 === 0 ? { duration_ms: -1 } : {}),
}));

/** What the queue and the answer are made of; a line keeps more members here than the port asks for. */
function essence({ lines, firstResults }: PreparedBatch): unknown {
  const essential = lines.map(({ text, contentHash, instant, event }) => {
    const { event_id, tenant_id, level, category, action, service_name, user_id, resource_id } = event;
    const withoutSalt = text.replace(/"_salt":"[^"]*"/, "");
    return {
      withoutSalt,
      contentHash,
      instant,
      event_id,
      tenant_id,
      level,
      category,
      action,
      service_name,
      user_id,
      resource_id,
    };
  });
  return { essential, firstResults };
}

describe("a packed batch", () => {
  it("is unpacked as it was, rejected events in their places", () => {
    const batch = prepareBatch(request(LARGE), identifiers);

    expect(essence(unpackBatch(structuredClone(packBatch(batch))))).toEqual(essence(batch));
  });

  it("may begin and end with rejected events", () => {
    const bad = { action: "", service_name: "s" };
    const batch = prepareBatch(request([bad, bad, { action: "a", service_name: "s" }, bad]), identifiers);

    expect(unpackBatch(packBatch(batch)).firstResults).toEqual(batch.firstResults);
  });
});

describe("the pool", () => {
  it("prepares large batches as this thread would, many at once", async () => {
    const pool = createPreparePool(identifiers);
    onTestFinished(() => pool.close());
    const asked = request(LARGE);

    const batches = await Promise.all(Array.from({ length: 6 }, async () => pool.prepare(asked)));

    for (const batch of batches) expect(essence(batch)).toEqual(essence(prepareBatch(asked, identifiers)));
  });

  it("throws what is wrong with a batch that no thread can prepare", async () => {
    const pool = createPreparePool(identifiers);
    onTestFinished(() => pool.close());
    const bad = LARGE.map((event) => ({ ...event, action: 1 }));

    const refused = Promise.resolve(pool.prepare(request(bad)));

    await expect(refused).rejects.toMatchObject({ code: "validation-failed" });
  });

  it("prepares here what the other thread had when it died, and everything after", async () => {
    const pool = createPreparePool(identifiers);
    const asked = request(LARGE);

    const underWay = pool.prepare(asked);
    await pool.close();

    expect(underWay).toBeInstanceOf(Promise);
    expect(essence(await underWay)).toEqual(essence(prepareBatch(asked, identifiers)));
    expect(pool.prepare(asked)).not.toBeInstanceOf(Promise);
  });
});
