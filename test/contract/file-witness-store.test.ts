// The witness's checkpoints in a folder keep their contract, outlive the process, and belong to one process at a time.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { FileWitnessStore } from "#adapters/file/file-witness-store.ts";
import { openFileWitnessStore } from "#adapters/file/file-witness-store.ts";
import { witnessStoreContract } from "#test/contract/witness-store.ts";

let folder: string;
let store: FileWitnessStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-witness-"));
  store = openFileWitnessStore(join(folder, "witness"));
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

witnessStoreContract("the witness's folder", () => store);

describe("the witness's folder", () => {
  it("has what was stored when it is opened again", async () => {
    await store.swap("log.example/a", { expected: undefined, next: "one\n" });
    store.close();

    store = openFileWitnessStore(join(folder, "witness"));

    expect(await store.read("log.example/a")).toBe("one\n");
  });

  it("is refused to a second process", () => {
    expect(() => openFileWitnessStore(join(folder, "witness"))).toThrow("one process at a time");
  });

  it("takes a draft that was cut off for nothing", async () => {
    await store.swap("log.example/a", { expected: undefined, next: "one\n" });
    const name = readdirSync(join(folder, "witness")).find((each) => each.endsWith(".checkpoint"));
    writeFileSync(join(folder, "witness", `${name}.tmp`), "tw");

    expect(await store.read("log.example/a")).toBe("one\n");
    expect(await store.swap("log.example/a", { expected: "one\n", next: "two\n" })).toBe("swapped");
  });

  it("says so where it cannot be written", async () => {
    rmSync(join(folder, "witness"), { recursive: true });

    await expect(store.swap("log.example/a", { expected: undefined, next: "one\n" })).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
  });
});
