// Repair of every kind of damage in a live, a rotated and a compressed file: what is damaged is kept byte for byte beside
// the log, nothing else changes, numbers stay, and the log is healthy.
import { appendFile, copyFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { describe, expect, it } from "vitest";

import { parseMarker } from "#adapters/file/quarantine-marker.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import {
  expectHealthy,
  FIVE_PER_FILE,
  fullFolder,
  IDS,
  LINE_BYTES,
  LINES,
  matching,
  movedFiles,
  repair,
  rewriteText,
  servedIds,
  TENANT,
  textOf,
  without,
} from "#test/support/damaged-logs.ts";
import { contentsOf, logFiles, newFolder, rewrite } from "#test/support/folders.ts";
import { startLogProcess } from "#test/support/log-process.ts";
import { LIVE_NAME, openLog, testLog } from "#test/support/stores.ts";

const LIVE = 4;
const ROTATED = 3;
const COMPRESSED = 1;

/** The second line of a text becomes `line`. */
const withSecond = (text: string, line: string): string =>
  text.slice(0, LINE_BYTES) + line + text.slice(2 * LINE_BYTES);

const LINE_DAMAGES: readonly [string, (line: string) => string][] = [
  ["is not JSON", (line) => `${line.slice(0, 40)}\0\0\0\0${line.slice(44)}`],
  ["is no stored line", () => '{"a":1}\n'],
  ["lacks a member", (line) => line.replace('"level":', '"lxvel":')],
  ["is empty", () => "\n"],
  ["is no UTF-8", (line) => line.replace("read", "\xff\xfe\xfd\xfc").replace("{", "")],
  ["has a known id", () => `${LINES[0]?.text ?? ""}\n`],
];
const FILES = [
  ["the live file", LIVE],
  ["a rotated file", ROTATED],
  ["a compressed file", COMPRESSED],
] as const;

describe("repair of a line", () => {
  it.each(FILES.flatMap(([what, file]) => LINE_DAMAGES.map((damage) => [what, file, ...damage] as const)))(
    "in %s (%i) that %s moves it alone",
    async (_what, file, _damage, change) => {
      const { folder, files } = await fullFolder();
      const path = files[file] ?? "";
      const sound = await textOf(path);
      const damaged = change(sound.slice(LINE_BYTES, 2 * LINE_BYTES));
      await rewriteText(path, (text) => withSecond(text, damaged));
      const before = await contentsOf(folder);

      const outcome = await repair(folder);

      const line = file * 5 + 1;
      const moved = join(folder, `audit-${String(file * 5).padStart(16, "0")}.damaged-at-${LINE_BYTES}`);
      expect(outcome).toMatchObject({ isSound: true, unrepaired: [] });
      expect(outcome.places).toEqual([
        {
          path,
          offset: LINE_BYTES,
          line,
          lines: 1,
          bytes: damaged.length,
          reason: expect.any(String) as unknown,
          movedTo: moved,
        },
      ]);
      expect((await readFile(moved)).toString("latin1")).toBe(damaged);
      const marker = (await textOf(path)).split("\n")[1] ?? "";
      expect(parseMarker(marker)).toMatchObject({ file: basename(moved), lines: 1 });
      expect(await textOf(path)).toBe(withSecond(sound, `${marker}\n`));
      expect(await contentsOf(folder)).toEqual({
        ...before,
        [basename(path)]: (await readFile(path)).toString("hex"),
        [basename(moved)]: Buffer.from(damaged, "latin1").toString("hex"),
      });
      await expectHealthy(folder, without(line, line + 1));
    },
  );

  it("leaves a log of which the next lines, files and restarts go on as ever", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[LIVE], (text) => `garbage\n${text.slice(LINE_BYTES)}`);
    await rewriteText(files[COMPRESSED], (text) => withSecond(text, "garbage\n"));
    await repair(folder);
    const more = sampleLines(TENANT, 40).slice(24);

    const store = await testLog(folder, { ...FIVE_PER_FILE, backupCount: 0 });
    for (const line of more) await store.send([line]);

    const numbers = (await logFiles(folder)).flatMap((name) => /\d{16}/.exec(name)?.map(Number) ?? []);
    expect(numbers.slice(0, 5)).toEqual([0, 5, 10, 15, 20]);
    const ids = sampleLines(TENANT, 40).map(({ event }) => event.event_id);
    expect(await servedIds(store)).toEqual(ids.filter((_, at) => at !== 20 && at !== 6));
    expect(await store.probe()).toMatchObject({ status: "healthy", details: { quarantined_lines: 2 } });
  });

  it("makes room for the event of a damaged line, which is stored anew when it is sent again", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[ROTATED], (text) => withSecond(text, "garbage\n"));
    await repair(folder);
    const store = await testLog(folder, FIVE_PER_FILE);

    const outcomes = await store.send(LINES.slice(15, 18));

    expect(outcomes.map(({ kind }) => kind)).toEqual(["duplicate", "accepted", "duplicate"]);
  });

  it("moves neighbours together, and says how many they are", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[LIVE], (text) => `a\n\nb\n${text.slice(3 * LINE_BYTES)}`);

    const { places } = await repair(folder);

    expect(places).toMatchObject([
      { offset: 0, line: 20, lines: 3, bytes: 5, reason: matching(/3 in all$/) },
    ]);
    expect(await movedFiles(folder)).toEqual(["audit-0000000000000020.damaged-at-0"]);
    await expectHealthy(folder, without(20, 23));
  });
});

describe("repair of a file", () => {
  it("that was cut within its last line keeps what is left of that", async () => {
    const { folder, files } = await fullFolder();
    await truncate(files[ROTATED], 5 * LINE_BYTES - 10);
    const tail = (await textOf(files[ROTATED])).slice(4 * LINE_BYTES);

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ line: 19, lines: 1, bytes: LINE_BYTES - 10 }]);
    expect(await readFile(places[0]?.movedTo ?? "", "latin1")).toBe(tail);
    await expectHealthy(folder, without(19, 20));
  });

  it("that has grown by garbage gives it no number", async () => {
    const { folder, files } = await fullFolder();
    await appendFile(files[2], Buffer.alloc(5000, "x"));

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ line: 15, lines: 0, bytes: 5000 }]);
    await expectHealthy(folder, IDS);
  });

  it("that two forms exist of moves the one that holds less", async () => {
    const { folder, files } = await fullFolder();
    const plain = files[0].replace(".gz", "");
    await writeFile(plain, `${LINES[0]?.text ?? ""}\n`);

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ path: plain, bytes: LINE_BYTES }]);
    expect(await movedFiles(folder)).toEqual(["audit-0000000000000000.damaged-at-0"]);
    await expectHealthy(folder, IDS);
  });

  it("that is missing is impossible, and said; the rest is repaired", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[LIVE], (text) => withSecond(text, "garbage\n"));
    await rm(files[2]);

    const { isSound, places, unrepaired } = await repair(folder);

    expect(isSound).toBe(false);
    expect(places).toMatchObject([{ path: files[LIVE], line: 21 }]);
    expect(unrepaired).toMatchObject([
      { path: files[ROTATED], offset: 0, reason: matching(/line 10 comes next/) },
    ]);
  });

  it("that lies beside a copy of it is left as it is, and so is the copy: either may be the one to go", async () => {
    const { folder, files } = await fullFolder();
    const copy = join(folder, "audit-0000000000000007.jsonl");
    await copyFile(files[2], copy);
    const before = await contentsOf(folder);

    const { isSound, places, unrepaired } = await repair(folder);

    expect([isSound, places]).toEqual([false, []]);
    expect(unrepaired.map(({ path }) => path)).toEqual([copy, files[2], files[2]]);
    expect(await contentsOf(folder)).toEqual(before);
  });
});

describe("repair", () => {
  it("changes nothing in a dry run and tells the same", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[LIVE], (text) => `${withSecond(text, "garbage\n")}{"torn`);
    await rewrite(files[0], (bytes) => void bytes.fill(0x55, 60, 80));
    const before = await contentsOf(folder);

    const dry = await repair(folder, true);
    const unchanged = await contentsOf(folder);
    const real = await repair(folder);

    expect(unchanged).toEqual(before);
    expect(dry.isSound).toBe(false);
    expect(dry.places).toEqual(real.places.map((place) => ({ ...place, movedTo: undefined })));
    expect(real.tornPath).toBeDefined();
    expect(real.isSound).toBe(true);
  });

  it("leaves a sound log as it is, and one that it has repaired", async () => {
    const { folder, files } = await fullFolder();
    const sound = { places: [], unrepaired: [], tornPath: undefined, sealedLines: 0, isSound: true };
    const before = await contentsOf(folder);
    expect(await repair(folder)).toEqual(sound);
    expect(await contentsOf(folder)).toEqual(before);
    for (const path of files) await rewriteText(path, (text) => withSecond(text, "garbage\n"));
    await repair(folder);
    const repaired = await contentsOf(folder);

    expect(await repair(folder)).toEqual(sound);

    expect(await contentsOf(folder)).toEqual(repaired);
    expect(await movedFiles(folder)).toHaveLength(5);
  });

  it("writes over nothing that lies where the bytes were to go", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[LIVE], (text) => withSecond(text, "garbage\n"));
    const name = `audit-0000000000000020.damaged-at-${LINE_BYTES}`;
    await writeFile(join(folder, name), "of another day");

    await repair(folder);

    expect(await readFile(join(folder, name), "utf8")).toBe("of another day");
    expect(await readFile(join(folder, `${name}-2`), "utf8")).toBe("garbage\n");
  });

  it("is refused while a process owns the folder, by its number and address", async () => {
    const { folder } = await fullFolder();
    const owner = startLogProcess();
    await owner.ask("open", folder, {});
    await owner.ask("announce", "http://127.0.0.1:8000");
    const before = await contentsOf(folder);

    const refusal = repair(folder);

    await expect(refusal).rejects.toMatchObject({ code: "folder-locked" });
    await expect(refusal).rejects.toThrow(
      new RegExp(`process ${owner.pid}, which serves http://127\\.0\\.0\\.1:8000.*stop it first`),
    );
    expect(await contentsOf(folder)).toEqual(before);
  });

  it("is refused where there is no log, and where the log is not ours", async () => {
    const folder = await newFolder();

    await expect(repair(join(folder, "none"))).rejects.toMatchObject({ code: "storage-unavailable" });
    await expect(repair(folder)).rejects.toThrow(/there is no log at .*audit\.jsonl/);
    await writeFile(join(folder, LIVE_NAME), "Jan 1 00:00:00 host daemon: started\n");
    await expect(repair(folder)).rejects.toMatchObject({ code: "foreign-log" });
  });

  it("gives the folder back", async () => {
    const { folder } = await fullFolder();
    await repair(folder);

    await (await openLog(folder)).close();
  });
});
