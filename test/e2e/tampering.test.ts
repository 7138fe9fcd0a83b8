// Tiles, bundles and checkpoints that were altered, one by one or to fit each other, are refused, and named. The log has
// leaves enough for tiles of three levels.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog, verdictOf, verdictTextOf } from "#test/support/verified-logs.ts";
import {
  flip,
  forgeTiles,
  put,
  read,
  remove,
  rewrite,
  testLine,
  testLines,
} from "#test/support/tampered-logs.ts";

const COUNT = 70_001;
const LINES = testLines(COUNT);
const FIRST_FILE = "audit-0000000000000000.jsonl";
let log: MadeLog;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  log = await madeLog({ folder, lines: LINES, form: "local", linesPerFile: 50_000 });
});
afterAll(() => rm(log.folder, { recursive: true, force: true }));

/** Alters the log, takes the verdict, and puts everything back. */
async function textAfter(keys: readonly string[], change: () => Promise<void>): Promise<string> {
  const before = await Promise.all(keys.map((key) => read(log.folder, key)));
  try {
    await change();
    return await verdictTextOf(log);
  } finally {
    for (const [index, key] of keys.entries()) await put(log.folder, key, before[index] ?? "");
  }
}

describe("the tree of a log", () => {
  it("verifies while nothing is altered", async () => {
    expect(await verdictOf(log)).toMatchObject({ isVerified: true, lines: { checked: COUNT } });
  });

  it.each([
    [0, "log/tile/0/100", "leaf 25601", 32],
    [0, "log/tile/0/273.p/113", "leaf 69889", 32],
    [1, "log/tile/1/000", "leaves 256 to 511", 32],
    [1, "log/tile/1/001.p/17", "leaves 65792 to 66047", 32],
    [2, "log/tile/2/000.p/1", "leaves 0 to 65535", 0],
  ])("is refused where a byte of a tile of level %i was altered (%s)", async (level, key, place, byte) => {
    const text = await textAfter([key], () => flip(log.folder, key, byte));

    expect(text).toMatch(/^NOT VERIFIED/);
    expect(text).toContain(`first difference: ${key}, byte ${byte}, ${place}`);
    expect(text).toContain(`the tile of level ${level} was altered at the hash of ${place}`);
    expect(text).not.toContain("more:");
  });

  it("is refused where an entry of a bundle was altered", async () => {
    const key = "log/tile/entries/100";
    const text = await textAfter([key], () => flip(log.folder, key, 34 * 5 + 10));

    expect(text).toContain(`first difference: ${key}, byte 170, leaf 25605\n`);
    expect(text).toContain(
      "the entry of leaf 25605 was altered in the bundle; its line and its tile are as they were sealed",
    );
    expect(text).not.toContain("more:");
  });

  it("is refused where the length of an entry was altered", async () => {
    const key = "log/tile/entries/100";
    const text = await textAfter([key], () => flip(log.folder, key, 34 * 5 + 1));

    expect(text).toContain(`first difference: ${key}, byte 170, leaf 25605\n`);
    expect(text).toContain("found     a length of 33");
  });

  it("is refused where a line and its entry were altered to fit each other", async () => {
    const lines = LINES.with(300, testLine(1_000_000));
    const text = await textAfter([FIRST_FILE, "log/tile/entries/001"], async () => {
      await rewrite(log.folder, FIRST_FILE, (old) => old.with(300, testLine(1_000_000)));
      const tile = await read(log.folder, "log/tile/0/001");
      await forgeTiles(log.folder, { lines, levels: 1, key: log.key });
      await put(log.folder, "log/tile/0/001", tile);
    });

    expect(text).toContain("first difference: log/tile/entries/001, byte 1,496, leaf 300\n");
    expect(text).toContain("the line of leaf 300 and its entry were altered to fit each other");
    expect(text).not.toContain("more:");
  });

  it("is refused where line, entry and level-0 tile were altered to fit each other", async () => {
    const lines = LINES.with(300, testLine(1_000_000));
    const text = await textAfter([FIRST_FILE, "log/tile/entries/001", "log/tile/0/001"], async () => {
      await rewrite(log.folder, FIRST_FILE, (old) => old.with(300, testLine(1_000_000)));
      await forgeTiles(log.folder, { lines, levels: 1, key: log.key });
    });

    expect(text).toContain("first difference: log/tile/entries/001, leaves 256 to 511\n");
    expect(text).toContain(
      "the tile log/tile/1/000, which is bound to the signed root, has another hash for them",
    );
    expect(text).not.toContain("more:");
  });

  it("is refused where an entry and its level-0 tile were altered to fit each other, and the line tells which", async () => {
    const lines = LINES.with(300, testLine(1_000_000));
    const text = await textAfter(["log/tile/entries/001", "log/tile/0/001"], () =>
      forgeTiles(log.folder, { lines, levels: 1, key: log.key }),
    );

    expect(text).toContain("first difference: log/tile/entries/001, leaf 300\n");
    expect(text).toContain(`line 301 of ${FIRST_FILE}, that of leaf 300, does not fit its entry`);
  });

  it("is refused where everything up to level 1 was altered to fit", async () => {
    const lines = LINES.with(300, testLine(1_000_000));
    const keys = [FIRST_FILE, "log/tile/entries/001", "log/tile/0/001", "log/tile/1/000"];
    const text = await textAfter(keys, async () => {
      await rewrite(log.folder, FIRST_FILE, (old) => old.with(300, testLine(1_000_000)));
      await forgeTiles(log.folder, { lines, levels: 2, key: log.key });
    });

    expect(text).toContain("first difference: log/tile/1/000, leaves 0 to 65535\n");
    expect(text).toContain(
      "the tile log/tile/2/000.p/1, which is bound to the signed root, has another hash for them",
    );
  });

  it("is refused where all tiles were altered to fit, and only the checkpoint is left", async () => {
    const lines = LINES.with(300, testLine(1_000_000));
    const keys = [
      FIRST_FILE,
      "log/tile/entries/001",
      "log/tile/0/001",
      "log/tile/1/000",
      "log/tile/2/000.p/1",
    ];
    const text = await textAfter(keys, async () => {
      await rewrite(log.folder, FIRST_FILE, (old) => old.with(300, testLine(1_000_000)));
      await forgeTiles(log.folder, { lines, levels: 3, key: log.key });
    });

    expect(text).toContain("first difference: log/checkpoint, leaves 0 to 70000\n");
    expect(text).toContain("the checkpoint is signed, but its root is not that of the 70001 entries");
  });

  it.each(["log/tile/0/100", "log/tile/1/000", "log/tile/2/000.p/1", "log/tile/entries/100"])(
    "is refused where %s is missing",
    async (key) => {
      const text = await textAfter([key], () => remove(log.folder, key));

      expect(text).toContain(`first difference: ${key}`);
      expect(text).toContain("it was published, and is not there");
    },
  );

  it("is refused where a tile was cut", async () => {
    const key = "log/tile/0/100";
    const text = await textAfter([key], async () =>
      put(log.folder, key, (await read(log.folder, key)).subarray(0, 8000)),
    );

    expect(text).toContain(`first difference: ${key}, leaves 25600 to 25855\n`);
    expect(text).toContain("found     8000 bytes");
  });
});
