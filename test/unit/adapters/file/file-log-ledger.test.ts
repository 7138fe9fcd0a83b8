// The head of a file log keeps the contract of LogLedger, has the form in which it is stored for ever, and is refused
// where it is damaged.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { nodeDurableIo } from "#adapters/file/durable-file.ts";
import { createFileLogLedger } from "#adapters/file/file-log-ledger.ts";
import { logPaths } from "#adapters/file/log-folder.ts";
import { logLedgerContract } from "#test/contract/log-ledger.ts";
import { systemError } from "#test/support/faults.ts";
import { newFolder } from "#test/support/folders.ts";

const HEAD = {
  checkpoint: "log.example\n0\nAA==\n\n— log.example AA==\n",
  staging: undefined,
  sealedAtMs: 1_772_366_400_123,
};
const STORED = `{"format":1,"checkpoint":"log.example\\n0\\nAA==\\n\\n— log.example AA==\\n","staging":null,"sealed_at":"2026-03-01T12:00:00.123Z"}\n`;

logLedgerContract("the file log ledger", async () => {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  const open = () => createFileLogLedger(logPaths(join(folder, "audit.jsonl")));
  return {
    ledger: open(),
    reopen: async () => open(),
    close: async () => rm(folder, { recursive: true }),
  };
});

describe("the file of the head", () => {
  it("has the form that is stored for ever", async () => {
    const paths = logPaths(join(await newFolder(), "audit.jsonl"));

    await createFileLogLedger(paths).swapHead(undefined, HEAD);

    expect(await readFile(paths.head, "utf8")).toBe(STORED);
  });

  it.each([
    "",
    "{",
    STORED.replace('"format":1', '"format":2'),
    STORED.replace('"checkpoint"', '"Checkpoint"'),
  ])("that holds %j is never taken for no head", async (text) => {
    const paths = logPaths(join(await newFolder(), "audit.jsonl"));
    await writeFile(paths.head, text);
    const ledger = createFileLogLedger(paths);

    await expect(ledger.readHead()).rejects.toMatchObject({ code: "storage-unavailable" });
    await expect(ledger.swapHead(undefined, HEAD)).rejects.toMatchObject({ code: "storage-unavailable" });

    expect(await readFile(paths.head, "utf8")).toBe(text);
  });

  it.each(["write", "rename"] as const)("stays as it is where %s fails", async (step) => {
    const paths = logPaths(join(await newFolder(), "audit.jsonl"));
    await createFileLogLedger(paths).swapHead(undefined, HEAD);
    const io = {
      ...nodeDurableIo,
      [step]: () => {
        throw systemError("ENOSPC");
      },
    };

    const swap = createFileLogLedger(paths, io).swapHead(HEAD, { ...HEAD, checkpoint: "next" });

    await expect(swap).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    expect(await readFile(paths.head, "utf8")).toBe(STORED);
  });
});
