// Objects of the log that are not of C2SP, held to the vectors of their formats: manifests and staging objects.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { manifestKey } from "#service/log-layout.ts";
import { decodeManifest, encodeManifest } from "#service/manifest.ts";
import { decodeStaging, encodeStaging } from "#service/staging.ts";

interface BatchVector {
  readonly batch_id: string;
  readonly line_count: number;
  readonly winners: readonly number[];
  readonly conflicts: readonly number[];
  readonly first_leaf: number;
  readonly segment?: string | null;
}

interface ManifestVector {
  readonly name: string;
  readonly key: string;
  readonly segment: string;
  readonly first_leaf: number;
  readonly count: number;
  readonly sealed_at_ms: number;
  readonly batches: readonly BatchVector[];
  readonly derived_ids: readonly (readonly [number, string])[];
  readonly text: string;
}

interface StagingVector {
  readonly name: string;
  readonly key: string;
  readonly old_size: number;
  readonly new_size: number;
  readonly root: string;
  readonly batches: readonly BatchVector[];
  readonly objects: readonly { readonly key: string; readonly hex: string }[];
  readonly hex: string;
}

const manifests = readVectors("manifest-v1.json") as readonly ManifestVector[];
const stagings = readVectors("staging-v1.json") as readonly StagingVector[];

function readVectors(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), "utf8"));
}

function batchOf({
  batch_id: batchId,
  line_count: lineCount,
  winners,
  conflicts,
  first_leaf: firstLeaf,
}: BatchVector) {
  return { batchId, lineCount, winners, conflicts, firstLeaf };
}

describe("a manifest", () => {
  it.each(manifests)("is read and written to the byte: $name", (vector) => {
    const { key, segment, first_leaf: firstLeaf, count, sealed_at_ms: sealedAtMs, text } = vector;
    const batches = vector.batches.map(batchOf);
    const manifest = {
      segment,
      firstLeaf,
      count,
      sealedAtMs,
      batches,
      derivedIds: new Map(vector.derived_ids),
    };

    expect(manifestKey(firstLeaf + count)).toBe(key);
    expect(decodeManifest(Buffer.from(text), key)).toEqual(manifest);
    expect(Buffer.from(encodeManifest(manifest)).toString()).toBe(text);
  });
});

describe("a staging object", () => {
  it.each(stagings)("is read and written to the byte: $name", (vector) => {
    const { key, old_size: oldSize, new_size: newSize, root: rootHex, hex } = vector;
    const batches = vector.batches.map((batch) => ({
      ...batchOf(batch),
      segment: batch.segment ?? undefined,
    }));
    const objects = vector.objects.map((object) => ({
      key: object.key,
      bytes: Buffer.from(object.hex, "hex"),
    }));
    const staging = { oldSize, newSize, rootHex, batches, objects };

    const encoded = encodeStaging(staging);

    expect(decodeStaging(Buffer.from(hex, "hex"), key)).toEqual(staging);
    expect({ key: encoded.key, hex: Buffer.from(encoded.bytes).toString("hex") }).toEqual({ key, hex });
  });
});
