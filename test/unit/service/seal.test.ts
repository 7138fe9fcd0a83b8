// What a sealer does on its own log: founding, publishing, freshness, and stopping where what it finds contradicts what was signed.
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";

import { createLogIdentity } from "#service/log-identity.ts";
import { CHECKPOINT_KEY, STAGING_PREFIX, VERIFIER_KEY_KEY, VERIFIER_KEYS_KEY } from "#service/log-layout.ts";
import { naiveLeaf, naiveRoot } from "#test/support/sealing-oracle.ts";
import type { TestLog } from "#test/support/sealing-fixtures.ts";
import { testLog } from "#test/support/sealing-fixtures.ts";
import { signerOf, TEST_KEYS, TEST_ORIGIN } from "#test/support/sealing-signers.ts";

const IDENTITY = createLogIdentity(TEST_KEYS);

function publishedOf({ store }: TestLog): ReturnType<typeof IDENTITY.read> {
  return IDENTITY.read(textOf(store.objects.get(CHECKPOINT_KEY)?.bytes), "published checkpoint");
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

function linesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `{"n":${index}}`);
}

describe("a sealer", () => {
  it("founds a log without lines and publishes its keys", async () => {
    const log = testLog();

    const report = await log.open().run();

    expect(report).toMatchObject({ leaves: 0, seals: 0, size: 0, publishedSize: 0, isFinished: true });
    expect(publishedOf(log)).toMatchObject({ size: 0, rootHex: naiveRoot([]).toString("hex") });
    expect(textOf(log.store.objects.get(VERIFIER_KEY_KEY)?.bytes)).toMatch(
      /^log\.example\/test\+[0-9a-f]{8}\+A[^\n]+\n$/,
    );
    expect(textOf(log.store.objects.get(VERIFIER_KEYS_KEY)?.bytes).split("\n")).toHaveLength(3);
  });

  it("grows the log over the edges of tiles, to the root that the definition gives", async () => {
    const log = testLog(300);
    log.lines.push(...linesOf(1000));

    const first = await log.open().run();
    log.lines.push("x".repeat(70_000), "é😀");
    const second = await log.open().run();

    expect(first).toMatchObject({ leaves: 1000, seals: 4, size: 1000 });
    expect(second).toMatchObject({ leaves: 2, seals: 1, size: 1002, publishedSize: 1002 });
    expect(publishedOf(log).rootHex).toBe(naiveRoot(log.lines.map(naiveLeaf)).toString("hex"));
  });

  it("publishes the head with a time, and tells how long lines waited", async () => {
    const log = testLog();
    log.lines.push("{}");
    const sealer = log.open();
    const { nowMs } = log.clock;

    const report = await sealer.run();

    expect(report).toMatchObject({ oldestMs: nowMs(), coverLagMs: 0 });
    expect(publishedOf(log).freshAtMs).toBe(Math.floor(nowMs() / 1000) * 1000);
  });

  it("renews the time when it is 10 minutes old, and not before", async () => {
    const log = testLog();
    const sealer = log.open();
    await sealer.run();
    log.pass(599_000);

    const early = await sealer.run();
    log.pass(1000);
    const due = await sealer.run();

    expect([early.isFreshnessRenewed, due.isFreshnessRenewed]).toEqual([false, true]);
    expect(publishedOf(log).freshAtMs).toBe(log.clock.nowMs());
    expect(publishedOf(log).note.signatures).toHaveLength(2);
  });

  it("lets no time go back by seconds, and none stand that lies far ahead", async () => {
    const log = testLog();
    const sealer = log.open();
    await sealer.run();
    const first = publishedOf(log).freshAtMs;
    log.pass(-60_000);
    log.lines.push("a");
    await sealer.run();
    const second = publishedOf(log).freshAtMs;
    log.pass(-3_600_000);

    const { isFreshnessRenewed } = await sealer.run();

    expect(second).toBe(first);
    expect(isFreshnessRenewed).toBe(true);
    expect(publishedOf(log).freshAtMs).toBe(log.clock.nowMs());
  });

  it("begins no seal when its time is over", async () => {
    const log = testLog(1);
    log.lines.push("a", "b");
    const sealer = log.open({ maxRunMs: 0 });

    const report = await sealer.run();

    expect(report).toMatchObject({ size: 0, isFinished: false });
  });

  it("signs with both keys while keys are exchanged, and goes on with the new one alone", async () => {
    const log = testLog();
    const signers = [signerOf(TEST_ORIGIN, "the next key")];
    log.lines.push("a");
    await log.open().run();
    await expect(log.open({ signers }).run()).rejects.toMatchObject({ code: "log-diverged" });

    log.lines.push("b");
    await log.open({ signers: [...signers, ...TEST_KEYS.signers] }).run();
    const { note } = publishedOf(log);
    log.lines.push("c");
    const report = await log.open({ signers }).run();

    expect(note.signatures.map(({ name }) => name)).toEqual([
      TEST_ORIGIN,
      TEST_ORIGIN,
      `${TEST_ORIGIN}/freshness`,
    ]);
    expect(report).toMatchObject({ leaves: 1, publishedSize: 3 });
  });

  it("removes the staging objects of seals that are published, where it is told to, but the last", async () => {
    const log = testLog(1);
    log.lines.push("a", "b", "c");

    await log.open({ removesStaging: true }).run();

    const left = [...log.store.objects.keys()].filter((key) => key.startsWith(STAGING_PREFIX));
    expect(left).toEqual([log.ledger.head?.staging]);
  });

  it("makes the same staging object as another at the same lines and time", async () => {
    const [one, other] = [testLog(), testLog()];
    for (const log of [one, other]) log.lines.push(...linesOf(300));

    for (const log of [one, other]) await log.open().run();

    const stagingOf = ({ store }: TestLog) =>
      [...store.objects].filter(([key]) => key.startsWith(STAGING_PREFIX));
    expect(stagingOf(one)).toHaveLength(1);
    expect(stagingOf(other).map(([key, { bytes }]) => [key, textOf(bytes)])).toEqual(
      stagingOf(one).map(([key, { bytes }]) => [key, textOf(bytes)]),
    );
  });
});

describe("a sealer stops with log-diverged, and changes nothing,", () => {
  it.each<{ readonly title: string; readonly harm: (log: TestLog) => void; readonly says: RegExp }>([
    {
      title: "where the head was set back",
      harm: (log) => void (log.ledger.head = heads.get(log)?.[0]),
      says: /published is size 5 with root .*, the head of the ledger is size 2 with root/,
    },
    {
      title: "where the ledger was emptied",
      harm: (log) => void (log.ledger.head = undefined),
      says: /a checkpoint of size 5 is published, but the ledger has no head/,
    },
    {
      title: "where the published checkpoint is not its own",
      harm: ({ store }) =>
        void store.objects.set(CHECKPOINT_KEY, { bytes: Buffer.from("x\n"), modifiedMs: 0 }),
      says: /the published checkpoint is no checkpoint of this log/,
    },
    {
      title: "where a tile at the edge is another one",
      harm: ({ store }) =>
        void store.objects.set("log/tile/0/000.p/5", { bytes: Buffer.alloc(160), modifiedMs: 0 }),
      says: /the tiles stored at the edge of the log do not fit its head of size 5/,
    },
    {
      title: "where a tile at the edge and its entries are others, and fit each other",
      harm: ({ store }) => {
        const lines = ["a", "b", "c", "d", "other"];
        const entries = lines.flatMap((text) => [Buffer.of(0, 32), hash("sha256", text, "buffer")]);
        const put = (key: string, bytes: Uint8Array): unknown =>
          store.objects.set(key, { bytes, modifiedMs: 0 });
        put("log/tile/0/000.p/5", Buffer.concat(lines.map(naiveLeaf)));
        put("log/tile/entries/000.p/5", Buffer.concat(entries));
      },
      says: /do not fit its head of size 5 with root .*: they lead to root/,
    },
    {
      title: "where a tile at the edge is missing",
      harm: ({ store }) => void store.objects.delete("log/tile/0/000.p/5"),
      says: /object log\/tile\/0\/000\.p\/5, at the edge of the log of size 5, is missing/,
    },
    {
      title: "where a new tile is there already, with other content",
      harm: ({ store }) =>
        void store.objects.set("log/tile/0/000.p/6", { bytes: Buffer.of(1), modifiedMs: 0 }),
      says: /object log\/tile\/0\/000\.p\/6 is stored already, with other content/,
    },
    {
      title: "where what leads to the head is gone before it is published",
      harm: ({ store, ledger }) => {
        store.objects.delete(CHECKPOINT_KEY);
        store.objects.delete(ledger.head?.staging ?? "");
      },
      says: /staging object .*, from which size 5 must be published, is missing/,
    },
  ])("$title", async ({ harm, says }) => {
    const log = testLog();
    log.lines.push("a", "b");
    await log.open().run();
    const first = log.ledger.head;
    log.lines.push("c", "d", "e");
    await log.open().run();
    heads.set(log, [first]);
    log.lines.push("f");
    harm(log);

    const run = log.open().run();

    await expect(run).rejects.toMatchObject({ code: "log-diverged", retryable: false });
    await expect(run).rejects.toThrow(says);
    await expect(run).rejects.toThrow("docs/operations.md#log-diverged");
  });
});

const heads = new WeakMap<TestLog, readonly TestLog["ledger"]["head"][]>();
