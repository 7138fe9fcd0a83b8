// Rows of batches: golden vectors of format version 1. A row is never changed, so every release reads those of all before.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readRecord, recordAttributes } from "#adapters/aws/dynamo-ledger-row.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import type { BatchRecord } from "#service/ports.ts";

interface Vector {
  readonly name: string;
  readonly record: {
    readonly batch_id: string;
    readonly line_count: number;
    readonly winners: readonly number[];
    readonly conflicts: readonly number[];
    readonly unindexed: readonly number[];
  };
  /** By name; bytes as lower-case hex. */
  readonly attributes: Readonly<Record<string, { readonly N?: string; readonly B?: string }>>;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/ledger-row-v1.json", import.meta.url), "utf8"),
) as readonly Vector[];

function recordOf({ record: { batch_id: batchId, line_count: lineCount, ...lines } }: Vector): BatchRecord {
  return { batchId, lineCount, ...lines };
}

function rowOf({ attributes }: Vector): Item {
  const row = Object.entries(attributes).map(([name, { B: hex, N: number = "" }]) => {
    return [name, hex === undefined ? { N: number } : { B: Buffer.from(hex, "hex") }] as const;
  });
  return Object.fromEntries(row);
}

describe("the row of a batch", () => {
  it.each(vectors)("is written: $name", (vector) => {
    expect(recordAttributes(recordOf(vector))).toEqual(rowOf(vector));
  });

  it.each(vectors)("is read: $name", (vector) => {
    expect(readRecord(vector.record.batch_id, rowOf(vector))).toEqual(recordOf(vector));
  });

  it("gives back every record, however its lines fared", () => {
    const fates = fc.array(fc.constantFrom("won", "won later", "conflict", "conflict later", "elsewhere"), {
      minLength: 1,
      maxLength: 40,
    });

    fc.assert(
      fc.property(fates, (fate) => {
        const where = (pattern: RegExp): readonly number[] =>
          [...fate.keys()].filter((line) => pattern.test(fate[line] ?? ""));
        const record = {
          batchId: "019ca945-0a00-7000-95d4-574c11063b85",
          lineCount: fate.length,
          winners: where(/^won/),
          conflicts: where(/^conflict/),
          unindexed: where(/later$/),
        };

        expect(readRecord(record.batchId, recordAttributes(record))).toEqual(record);
      }),
    );
  });
});
