// What a witness keeps of logs that contradict themselves: each request once, the newest ones.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { keepEvidence } from "#adapters/file/witness-evidence.ts";
import { newFolder } from "#test/support/folders.ts";

it("keeps each request once, and the newest hundred", async () => {
  const folder = await newFolder();
  writeFileSync(join(folder, "witness.key"), "");

  const paths = Array.from({ length: 130 }, (_, n) =>
    keepEvidence(folder, { body: `request ${n}`, nowMs: 1_772_366_400_000 + n }),
  );

  expect(keepEvidence(folder, { body: "request 129", nowMs: 1_772_366_500_000 })).toBe(paths[129]);
  const kept = readdirSync(folder).filter((name) => name !== "witness.key");
  expect(kept.toSorted().map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(
    Array.from({ length: 100 }, (_, n) => `request ${n + 30}`),
  );
  expect(readdirSync(folder)).toContain("witness.key");
});
