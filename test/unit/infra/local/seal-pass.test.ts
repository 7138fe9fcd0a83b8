// Passes of sealing: each covers what was durable when it began, and whatever step a disk fails at, ingest is unhurt and a
// later pass goes on where the log stands.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { DurableIo } from "#adapters/file/durable-file.ts";
import { nodeDurableIo } from "#adapters/file/durable-file.ts";
import { createSealPasses } from "#infra/local/seal-pass.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { systemError } from "#test/support/faults.ts";
import { newFolder } from "#test/support/folders.ts";
import { checkFolder, ORIGIN, readCheckpoint, sealPasses } from "#test/support/sealed-folder.ts";
import { signerOf } from "#test/support/sealing-signers.ts";
import { testLog } from "#test/support/stores.ts";
import { COSIGNATURE_V1, formatVerifierKey } from "#tlog/note.ts";

const LINES = sampleLines("default", 900);
const NEVER = { isOverdue: () => false };

/** Fails at the call that makes `left` 0, and works before and after it. */
function failingOnce(failure: { left: number }): DurableIo {
  const guard = <Name extends keyof DurableIo>(name: Name): DurableIo[Name] =>
    ((...given: never[]) => {
      if (--failure.left === 0) throw systemError("ENOSPC");
      return (nodeDurableIo[name] as (...args: never[]) => void)(...given);
    }) as DurableIo[Name];
  return {
    write: guard("write"),
    writeLoosely: guard("writeLoosely"),
    sync: guard("sync"),
    link: guard("link"),
    rename: guard("rename"),
    syncFolder: guard("syncFolder"),
  };
}

describe("a pass", () => {
  it("ends with what was durable when it began, however fast lines follow", async () => {
    const store = await testLog(await newFolder());
    await store.send(LINES.slice(0, 300));
    let following: Promise<unknown> | undefined;

    const { size } = await sealPasses(store, { maxLines: 100 }).run({
      ...NEVER,
      onSealed: () => {
        following ??= store.send(LINES.slice(300, 600));
      },
    });
    await following;

    expect(size).toBe(300);
    expect(store.tail.durableLines).toBe(600);
  });

  it("tells after each seal how far it has come", async () => {
    const store = await testLog(await newFolder());
    await store.send(LINES);
    const sizes: number[] = [];

    await sealPasses(store, { maxLines: 400 }).run({ ...NEVER, onSealed: ({ size }) => sizes.push(size) });

    expect(sizes).toEqual([400, 800, 900]);
  });

  it("that asks no witnesses itself leaves the keys of those that others ask", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);
    const keys = (): Promise<string> => readFile(join(folder, "log/vkeys"), "utf8");
    const { name, publicKey } = signerOf("witness.example");
    const witness = { name, publicKey, algorithm: COSIGNATURE_V1 };
    const verifierKey = formatVerifierKey(witness);
    await sealPasses(store, { witnesses: [{ url: "http://127.0.0.1:9", verifierKey }] }).run(NEVER);
    const before = await keys();

    await sealPasses(store, { witnesses: undefined }).run(NEVER);

    expect(await keys()).toBe(before);
    await sealPasses(store, { witnesses: [] }).run(NEVER);
    expect(before).toBe(`${await keys()}${verifierKey}\n`);
  });

  it("begins no seal once it is overdue", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);
    await store.send(LINES);
    let seals = 0;

    const passes = sealPasses(store, { maxLines: 400 });
    await passes.run({ isOverdue: () => seals === 1, onSealed: () => seals++ });

    expect(await readCheckpoint(folder)).toMatchObject({ size: 400 });
  });
});

describe("a disk that fails once", () => {
  it("at any step of sealing costs the pass and nothing else", async () => {
    for (let step = 1; ; step++) {
      const folder = await newFolder();
      const store = await testLog(folder);
      const failure = { left: 0 };
      const plan = {
        path: store.paths.live,
        tail: store.tail.shared,
        uncertain: [],
        origin: ORIGIN,
        witnesses: [],
      };
      const passes = createSealPasses(plan, failingOnce(failure));
      await store.send(LINES.slice(0, 300));
      failure.left = step;

      const failed = await passes.run(NEVER).catch((error: unknown) => error);
      const hasFailed = failure.left <= 0;
      failure.left = 0;
      if (hasFailed && failed instanceof Error)
        expect(failed).toMatchObject({ code: "storage-unavailable", retryable: true });
      expect((await store.send(LINES.slice(300))).every(({ kind }) => kind === "accepted")).toBe(true);
      await passes.run(NEVER);

      expect(await checkFolder(folder)).toMatchObject({ size: 900 });
      passes.close();
      await store.close();
      if (!hasFailed) {
        expect(step).toBeGreaterThan(20);
        return;
      }
    }
  }, 60_000);
});
