// Reading what is published of a log: tiles in the width asked for, and nothing that is damaged.
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CHECKPOINT_KEY, tileKey } from "#service/log-layout.ts";
import { createLogReader } from "#service/read-log.ts";
import { PublishedLog } from "#test/support/published-log.ts";
import { parseTilePath } from "#tlog/tile.ts";
import type { TileId } from "#tlog/tile.ts";

function logOf(count: number): PublishedLog {
  const log = new PublishedLog();
  for (let index = 0; index < count; index++) log.put({ event_id: `e${index}` });
  log.seal();
  return log;
}

function tile(path: string): TileId {
  const parsed = parseTilePath(path);
  if (parsed === undefined) throw new Error(`${path} is no tile`);
  return parsed;
}

describe("checkpoint", () => {
  it("is undefined before the log is founded", async () => {
    expect(await createLogReader(new PublishedLog().objects).checkpoint()).toBeUndefined();
  });

  it("is the note as it is stored, with size and root", async () => {
    const log = logOf(3);

    const checkpoint = await createLogReader(log.objects).checkpoint();

    const text = Buffer.from(log.bytesOf(CHECKPOINT_KEY)).toString();
    expect(checkpoint).toMatchObject({ text, size: 3 });
    expect(text.split("\n")[2]).toBe(Buffer.from(checkpoint?.root ?? []).toString("base64"));
  });

  it.each(["", "log\n1\n", "x".repeat(100)])("that cannot be read is refused: %j", async (text) => {
    const log = logOf(1);
    log.store(CHECKPOINT_KEY, Buffer.from(text));

    await expect(createLogReader(log.objects).checkpoint()).rejects.toMatchObject({
      code: "storage-unavailable",
    });
  });

  it("of a size beyond 2^53 is refused", async () => {
    const log = logOf(1);
    log.damage(CHECKPOINT_KEY, (bytes) =>
      Buffer.from(Buffer.from(bytes).toString().replace("\n1\n", "\n9007199254740992\n")),
    );

    await expect(createLogReader(log.objects).checkpoint()).rejects.toMatchObject({
      code: "storage-unavailable",
    });
  });
});

describe("tile", () => {
  it.each(["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"])(
    "%s is given as it is stored",
    async (path) => {
      const log = logOf(300);

      const bytes = await createLogReader(log.objects).tile(tile(path));

      expect(Buffer.from(bytes ?? [])).toEqual(Buffer.from(log.bytesOf(tileKey(path))));
    },
  );

  it("that is partial is cut from the full one where it is gone", async () => {
    const log = logOf(300);

    const hashes = await createLogReader(log.objects).tile(tile("tile/0/000.p/7"));

    expect(Buffer.from(hashes ?? [])).toEqual(Buffer.from(log.bytesOf(tileKey("tile/0/000")).slice(0, 224)));
  });

  it("of entries that is partial is cut from the full one where it is gone", async () => {
    const log = logOf(300);

    const bundle = await createLogReader(log.objects).tile(tile("tile/entries/000.p/2"));

    const entries = log.leaves.lines.slice(0, 2).map(({ text }) => hash("sha256", text, "buffer"));
    const naive = entries.flatMap((entry) => [Buffer.from([0, 32]), entry]);
    expect(Buffer.from(bundle ?? [])).toEqual(Buffer.concat(naive));
  });

  it.each(["tile/0/002", "tile/0/001", "tile/0/001.p/45", "tile/2/000.p/1", "tile/entries/001"])(
    "%s that the log does not have is undefined",
    async (path) => {
      expect(await createLogReader(logOf(300).objects).tile(tile(path))).toBeUndefined();
    },
  );

  it.each([
    ["tile/0/000", "tile/0/000"],
    ["tile/0/000", "tile/0/000.p/9"],
    ["tile/0/001.p/44", "tile/0/001.p/44"],
    ["tile/entries/000", "tile/entries/000"],
    ["tile/entries/000", "tile/entries/000.p/9"],
  ])("of which %s is stored with a wrong length is refused as %s", async (stored, asked) => {
    const log = logOf(300);
    log.damage(tileKey(stored), (bytes) => bytes.slice(0, -34));

    await expect(createLogReader(log.objects).tile(tile(asked))).rejects.toMatchObject({
      code: "storage-unavailable",
      message: expect.stringContaining(`log/${stored}`),
    });
  });

  it("of entries that are not of 32 bytes is refused", async () => {
    const log = logOf(300);
    log.damage(tileKey("tile/entries/000"), (bytes) => bytes.with(1, 31));

    await expect(createLogReader(log.objects).tile(tile("tile/entries/000"))).rejects.toMatchObject({
      code: "storage-unavailable",
    });
  });
});
