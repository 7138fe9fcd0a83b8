// What a page costs: passing over events takes no reading where the index alone is exact.
import { describe, expect, it } from "vitest";
import { newFolder } from "#test/support/folders.ts";
import { testLog } from "#test/support/stores.ts";
import { accepted } from "#test/support/event-fixtures.ts";
import { parseQuery } from "#query/audit-query.ts";
import { planQuery } from "#query/planner.ts";

const COUNT = 3000;
const LINES = Array.from({ length: COUNT }, (_, number) =>
  accepted({
    event_id: `e${String(number).padStart(5, "0")}`,
    timestamp: new Date(Date.UTC(2026, 0, 1) + (number % 50) * 1000).toISOString(),
    level: number % 3 === 0 ? "ERROR" : "INFO",
    message: number % 2 === 0 ? "even" : "odd",
  }),
);

describe("an offset", () => {
  it.each([{}, { levels: ["ERROR"] }, { message_contains: "even" }])(
    "leads to the events behind it, whatever the filter: %j",
    async (filter) => {
      const store = await testLog(await newFolder());
      await store.send(LINES);
      const find = async (offset: number, limit: number): Promise<readonly string[]> => {
        const query = parseQuery({ ...filter, offset, limit });
        const page = await store.page(planQuery(query, { tenantId: "default", after: undefined }));
        return page.lines.map(({ text }) => text);
      };

      expect(await find(400, 20)).toEqual((await find(0, 420)).slice(400));
    },
  );

  it("reads no line that it passes over by time and level alone", async () => {
    const store = await testLog(await newFolder());
    await store.send(LINES);
    const query = parseQuery({ levels: ["ERROR"], offset: 900, limit: 10 });

    const page = await store.page(planQuery(query, { tenantId: "default", after: undefined }));

    expect(page.skipped).toBe(900);
    expect(page.lines).toHaveLength(10);
    expect(page.cost.lines).toBeLessThan(100);
  });

  it("behind the last event finds nothing and says how many it passed over", async () => {
    const store = await testLog(await newFolder());
    await store.send(LINES.slice(0, 10));
    const query = parseQuery({ offset: 50 });

    const page = await store.page(planQuery(query, { tenantId: "default", after: undefined }));

    expect(page).toMatchObject({ lines: [], skipped: 10, next: undefined });
  });
});
