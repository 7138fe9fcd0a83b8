// Exports in chunks: each within its bounds, and joined every match once.
import { describe, expect, it } from "vitest";
import { parseQuery } from "#query/audit-query.ts";
import type { ExportChunk, ExportRequest } from "#service/export.ts";
import { createExport, MAX_CHUNK_BYTES } from "#service/export.ts";
import { accepted } from "#test/support/event-fixtures.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const LARGE = 'x"'.repeat(24_900);

describe("createExport", () => {
  it.each(["jsonl", "csv"] as const)(
    "cuts %s into chunks of whole lines of at most 4 MiB",
    async (format) => {
      const store = await storeOf(150, { stack_trace: LARGE });

      const chunks = await allChunks(store, { format });

      expect(chunks.length).toBeGreaterThan(2);
      expect(chunks.filter(({ text }) => Buffer.byteLength(text) > MAX_CHUNK_BYTES)).toEqual([]);
      expect(chunks.every(({ text }) => text.endsWith("\n"))).toBe(true);
      expect(chunks.reduce((sum, { events }) => sum + events, 0)).toBe(150);
    },
  );

  it("exports every match once, in order", async () => {
    const store = await storeOf(2500);

    const chunks = await allChunks(store, { format: "jsonl", maxEvents: 700 });

    const ids = chunks.flatMap(({ text }) =>
      text
        .trim()
        .split("\n")
        .map((line): string => JSON.parse(line).event_id),
    );
    expect(chunks.map(({ events }) => events)).toEqual([700, 700, 700, 400]);
    expect(ids).toEqual(Array.from({ length: 2500 }, (_, index) => `e${2499 - index}`));
  });

  it("goes on after a page that its read budget left empty", async () => {
    const store = await storeOf(30, {}, new MemoryStore({ maxReads: 7 }));

    const [chunk, ...more] = await allChunks(store, {
      format: "jsonl",
      query: parseQuery({ order_desc: false }),
    });

    expect(chunk?.events).toBe(30);
    expect(more).toEqual([]);
  });

  it("ends a chunk that searches long, even an empty one, and says where it goes on", async () => {
    const store = await storeOf(30, {}, new MemoryStore({ maxReads: 1 }));
    const time = virtualTime();
    const slow = new MemoryStore({ maxReads: 1 });
    slow.lines.push(...store.lines);
    const page = slow.page.bind(slow);
    slow.page = async (plan) => {
      time.pass(1000);
      return page(plan);
    };

    const chunk = await createExport({ store: slow, ...time })({
      tenantId: "default",
      query: parseQuery({ user_ids: ["nobody"] }),
      format: "jsonl",
    });

    expect(chunk).toMatchObject({ text: "", events: 0, nextCursor: expect.any(String) });
  });

  it("puts the header into the first chunk of a CSV only, and there always", async () => {
    const chunks = await allChunks(await storeOf(3), { format: "csv", maxEvents: 1 });
    const [empty] = await allChunks(new MemoryStore(), { format: "csv" });

    expect(chunks.map(({ text }) => text.startsWith("event_id,timestamp,"))).toEqual([true, false, false]);
    expect(empty?.text).toMatch(/^event_id,.*,content_hash\r\n$/);
  });

  it.each([{ offset: 1 }, { include_total: true }, { explain: true }])("refuses %j", async (draft) => {
    const exporting = allChunks(new MemoryStore(), { format: "csv", query: parseQuery(draft) });

    await expect(exporting).rejects.toMatchObject({ code: "validation-failed" });
  });
});

async function storeOf(count: number, members: object = {}, store = new MemoryStore()): Promise<MemoryStore> {
  const lines = Array.from({ length: count }, (_, index) =>
    accepted({
      ...members,
      event_id: `e${index}`,
      timestamp: new Date(Date.parse("2026-01-01T00:00:00Z") + index * 1000).toISOString(),
    }),
  );
  await store.send(lines);
  return store;
}

async function allChunks(
  store: MemoryStore,
  request: Partial<ExportRequest> & Pick<ExportRequest, "format">,
): Promise<ExportChunk[]> {
  const exportChunk = createExport({ store, ...virtualTime() });
  const chunks: ExportChunk[] = [];
  const query = request.query ?? parseQuery({});
  let cursor: string | null = null;
  do {
    const page = cursor === null ? query : { ...query, cursor };
    const chunk = await exportChunk({ tenantId: "default", ...request, query: page });
    chunks.push(chunk);
    cursor = chunk.nextCursor;
  } while (cursor !== null);
  return chunks;
}
