// Rows that sealing writes into the ledger: golden vectors of format version 1, which every release reads.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { readRecord, recordAttributes } from "#adapters/aws/dynamo-ledger-row.ts";
import { headItem, headOf } from "#adapters/aws/dynamo-log-ledger.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import type { LogHead } from "#service/log-ports.ts";
import type { BatchRecord } from "#service/ports.ts";

interface RowVector {
  readonly name: string;
  readonly record: {
    readonly batch_id: string;
    readonly line_count: number;
    readonly winners: readonly number[];
    readonly conflicts: readonly number[];
    readonly unindexed: readonly number[];
    readonly sealed: { readonly first_leaf: number; readonly segment?: string };
  };
  /** By name; bytes as lower-case hex. */
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface Attribute {
  readonly N?: string;
  readonly S?: string;
  readonly B?: string;
}

interface HeadVector {
  readonly name: string;
  readonly head: { readonly checkpoint: string; readonly staging?: string; readonly sealed_at_ms: number };
  readonly item: Item;
}

const { rows, heads } = JSON.parse(
  readFileSync(new URL("../../../vectors/ledger-log-v1.json", import.meta.url), "utf8"),
) as { readonly rows: readonly RowVector[]; readonly heads: readonly HeadVector[] };

function recordOf({ record }: RowVector): BatchRecord {
  const { batch_id: batchId, line_count: lineCount, sealed, ...lines } = record;
  const { first_leaf: firstLeaf, ...segment } = sealed;
  return { batchId, lineCount, ...lines, sealed: { firstLeaf, ...segment } };
}

function rowOf({ attributes }: RowVector): Item {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { B: hex, N: number, S: text = "" }]) => {
      if (hex !== undefined) return [name, { B: Buffer.from(hex, "hex") }];
      return [name, number === undefined ? { S: text } : { N: number }];
    }),
  );
}

function headOfVector({ head: { checkpoint, staging, sealed_at_ms: sealedAtMs } }: HeadVector): LogHead {
  return { checkpoint, staging, sealedAtMs };
}

describe("the row of a sealed batch", () => {
  it.each(rows)("is written: $name", (vector) => {
    expect(recordAttributes(recordOf(vector))).toEqual(rowOf(vector));
  });

  it.each(rows)("is read: $name", (vector) => {
    expect(readRecord(vector.record.batch_id, rowOf(vector))).toEqual(recordOf(vector));
  });

  it.each(["-1", "1.5", "9007199254740993", "x"])("is refused with leaf %s", (leaf) => {
    const row: Item = { v: { N: "1" }, l: { N: "1" }, f: { N: leaf } };

    expect(() => readRecord("g", row)).toThrow(/row of batch g .* leaf/);
  });
});

describe("the head of the log", () => {
  it.each(heads)("is written: $name", (vector) => {
    expect(headItem(headOfVector(vector))).toEqual(vector.item);
  });

  it.each(heads)("is read: $name", (vector) => {
    expect(headOf(vector.item)).toEqual(headOfVector(vector));
  });
});
