// The inventory counts what is not where it belongs, by looking; health reads the last one.
import { beforeEach, describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { createInventory, readInventory } from "#service/inventory.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

let archive: MemoryArchive;
let ledger: MemoryLedger;

beforeEach(() => {
  archive = new MemoryArchive();
  ledger = new MemoryLedger();
});

function inventory(deadLetters: number) {
  const { clock } = virtualTime();
  return createInventory({ ledger, archive, clock, countDeadLetters: async () => deadLetters });
}

async function quarantine(count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await archive.putIfAbsent(`quarantine/dt=2026-03-01/hh=12/m-${index}.json`, Buffer.from("{}"));
  await archive.putIfAbsent("batches/dt=2026-03-01/hh=12/x.jsonl.gz", Buffer.from("x"));
}

describe("an inventory", () => {
  it("is all zero when all is well", async () => {
    const taken = await inventory(0)(0);

    expect(taken).toEqual({
      format: 1,
      taken_at: "2026-03-01T12:00:00.000Z",
      dead_letters: 0,
      quarantined: 0,
      unregistered_batches: 0,
      unaccounted_events: 0,
    });
  });

  it("adds up what each place holds", async () => {
    await quarantine(3);

    const taken = await inventory(5)(7);

    expect(taken).toMatchObject({
      dead_letters: 5,
      quarantined: 3,
      unregistered_batches: 7,
      unaccounted_events: 15,
    });
  });

  it("says that the sum is unknown while nobody knows of batches without a row", async () => {
    const taken = await inventory(5)(null);

    expect(taken).toMatchObject({ dead_letters: 5, unregistered_batches: null, unaccounted_events: null });
  });

  it("stops counting quarantined entries where more would not be more alarming", async () => {
    await quarantine(20_001);

    expect(await inventory(0)(0)).toMatchObject({ quarantined: 20_000 });
  });

  it("is read back from the ledger", async () => {
    const before = await readInventory(ledger);

    const taken = await inventory(1)(2);

    expect(before).toBeUndefined();
    expect(await readInventory(ledger)).toEqual(taken);
  });

  it.each(["", "{}", '{"format":2,"taken_at":"x"}', '{"format":1,"dead_letters":-1}'])(
    "that reads %j is refused",
    async (text) => {
      await ledger.writeNote("inventory", text);

      await expect(readInventory(ledger)).rejects.toBeInstanceOf(AuditStorageError);
    },
  );
});
