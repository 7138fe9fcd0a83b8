// Sealed lines that a folder has lost: their numbers are never given to others, and health names them until they are back.
import { appendFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { repairLog } from "#adapters/file/repair.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { linesOnDisk, newFolder } from "#test/support/folders.ts";
import { checkFolder, sealAll } from "#test/support/sealed-folder.ts";
import { LIVE_NAME, testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 40);
const LINE_BYTES = Buffer.byteLength(LINES[0]?.text ?? "") + 1;
const KEPT = 15;
const SEALED = 20;
const NONE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const MARKER = `{"_quarantined":{"bytes":0,"file":"audit-0000000000000000.damaged-at-${KEPT * LINE_BYTES}","kind":"damaged","lines":5,"sha256":"${NONE}"},"_v":1}`;
const LOST = "lines 15 to 19 were sealed and are missing";

async function cutFolder(): Promise<{ readonly folder: string; readonly whole: Buffer }> {
  const folder = await newFolder();
  const store = await testLog(folder);
  await store.send(LINES.slice(0, SEALED));
  await sealAll(store);
  await store.close();
  const whole = await readFile(store.paths.live);
  await truncate(store.paths.live, KEPT * LINE_BYTES);
  return { folder, whole };
}

describe("a start that finds fewer lines than are sealed", () => {
  it("marks them before any event is taken, and says what is missing", async () => {
    const { folder } = await cutFolder();

    const store = await testLog(folder);

    expect((await readFile(store.paths.live, "utf8")).slice(KEPT * LINE_BYTES)).toBe(`${MARKER}\n`);
    expect(store.tail.durableLines).toBe(SEALED);
    const { status, problems, details } = await store.probe();
    expect(status).toBe("degraded");
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${store.paths.live}, byte ${KEPT * LINE_BYTES}: ${LOST}`);
    expect(problems[0]).toMatch(/#lost-lines$/);
    expect(details).toMatchObject({ events: KEPT, quarantined_lines: 0, unaccounted_events: 5 });
  });

  it("gives new events the numbers behind, which are sealed in the same history", async () => {
    const { folder } = await cutFolder();
    const store = await testLog(folder);
    await store.send(LINES.slice(SEALED, 30));

    expect(await sealAll(store)).toMatchObject({ size: 30 });

    const { index, numbers } = store.recovered;
    expect(numbers.lineOf(index.find("default", "event-000020"))).toBe(SEALED);
    await store.close();
    const lines = await readFile(store.paths.live, "utf8");
    await writeFile(store.paths.live, lines.replace(MARKER, texts(KEPT, SEALED)));
    expect(await checkFolder(folder)).toMatchObject({ size: 30 });
  });

  it("says so again at each start, adds nothing, and is content when the lines are back", async () => {
    const { folder, whole } = await cutFolder();
    await (await testLog(folder)).close();
    const marked = await linesOnDisk(folder);

    const again = await testLog(folder);

    expect((await again.probe()).problems.join()).toContain(LOST);
    await again.close();
    expect(await linesOnDisk(folder)).toEqual(marked);
    await writeFile(join(folder, LIVE_NAME), whole);
    expect(await (await testLog(folder)).probe()).toMatchObject({ status: "healthy" });
  });

  it("does so behind a last line that a crash has cut", async () => {
    const { folder } = await cutFolder();
    await appendFile(join(folder, LIVE_NAME), '{"_defaulted":[');

    const store = await testLog(folder);

    expect(store.tail.durableLines).toBe(SEALED);
    expect((await linesOnDisk(folder)).slice(KEPT)).toEqual([MARKER]);
    expect(store.recovered.tornPath).toContain(".torn-at-");
  });

  it("does so where the live file is gone", async () => {
    const { folder } = await cutFolder();
    await rm(join(folder, LIVE_NAME));

    expect((await testLog(folder)).tail.durableLines).toBe(SEALED);
  });

  it("believes the published checkpoint where the head is lost with them", async () => {
    const { folder } = await cutFolder();
    await rm(join(folder, "audit-service.log-head"));

    expect((await testLog(folder)).tail.durableLines).toBe(SEALED);
  });

  it("believes no size that the log has not signed", async () => {
    const { folder } = await cutFolder();
    const path = join(folder, "audit-service.log-head");
    const head = await readFile(path, "utf8");
    await writeFile(path, head.replace("\\n20\\n", "\\n29\\n"));
    await rm(join(folder, "log/checkpoint"));

    expect((await testLog(folder)).tail.durableLines).toBe(KEPT);
  });
});

describe("repair of a log that has lost sealed lines", () => {
  it.each(["before", "after"])(
    "says that it cannot bring them back, %s a start has marked them",
    async (when) => {
      const { folder } = await cutFolder();
      if (when === "after") await (await testLog(folder)).close();

      const outcome = await repairLog({ path: join(folder, LIVE_NAME), isDryRun: false });

      expect(outcome).toMatchObject({
        isSound: false,
        places: [],
        unrepaired: [{ offset: KEPT * LINE_BYTES, reason: expect.stringContaining(LOST) }],
      });
    },
  );
});

function texts(from: number, to: number): string {
  return LINES.slice(from, to)
    .map(({ text }) => text)
    .join("\n");
}
