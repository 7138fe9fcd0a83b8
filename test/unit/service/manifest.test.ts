// Manifests: the leaves of batches add up to those of the segment, and nothing else is taken for one.
import { describe, expect, it } from "vitest";

import { manifestKey, segmentKey } from "#service/log-layout.ts";
import type { Manifest } from "#service/manifest.ts";
import { decodeManifest, encodeManifest, leafLines } from "#service/manifest.ts";
import { BATCH_TIME_MS, freshBatchId } from "#test/contract/sample-batches.ts";

const SEGMENT = segmentKey(BATCH_TIME_MS, 70_001, 2);
const BATCH_ID = freshBatchId();
const MANIFEST: Manifest = {
  segment: SEGMENT,
  firstLeaf: 70_001,
  count: 2,
  sealedAtMs: BATCH_TIME_MS,
  batches: [{ batchId: BATCH_ID, lineCount: 3, winners: [2], conflicts: [0], firstLeaf: 70_001 }],
  derivedIds: new Map([[70_001, "a!00"]]),
};

describe("a manifest", () => {
  it("gives winners and conflicts leaves in the order of their lines", () => {
    expect(leafLines({ winners: [1, 10], conflicts: [0, 9] })).toEqual([0, 1, 9, 10]);
  });

  it.each<{ readonly title: string; readonly change: Partial<Manifest>; readonly reason: string }>([
    { title: "counts other leaves than its segment", change: { count: 3 }, reason: "its segment is" },
    { title: "has batches of fewer leaves", change: { batches: [] }, reason: "hold 0 leaves" },
    { title: "names no id for a conflict", change: { derivedIds: new Map() }, reason: "derived ids" },
    {
      title: "names an id for a winner",
      change: { derivedIds: new Map([[70_002, "a!0"]]) },
      reason: "derived ids",
    },
    {
      title: "leaves a gap before a batch",
      change: { batches: MANIFEST.batches.map((batch) => ({ ...batch, firstLeaf: 70_002 })) },
      reason: "begins at leaf 70002, not 70001",
    },
    {
      title: "has a line behind the last of its batch",
      change: { batches: MANIFEST.batches.map((batch) => ({ ...batch, lineCount: 2 })) },
      reason: "pass its last line",
    },
  ])("is refused where it $title", ({ change, reason }) => {
    const key = manifestKey(70_003);

    expect(() => decodeManifest(encodeManifest({ ...MANIFEST, ...change }), key)).toThrow(reason);
  });

  it("is refused where it is of a newer format, or not JSON", () => {
    const text = Buffer.from(encodeManifest(MANIFEST)).toString();

    expect(() => decodeManifest(Buffer.from(text.replace('"format":1', '"format":2')), "k")).toThrow(
      "newer format",
    );
    expect(() => decodeManifest(Buffer.from(text.slice(0, -1)), "k")).toThrow("not JSON");
  });
});
