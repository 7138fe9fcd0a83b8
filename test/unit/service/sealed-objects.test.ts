// Segments, manifests and staging objects: what was written comes back, and nothing else is taken for it.
import { describe, expect, it } from "vitest";

import { manifestKey, segmentKey } from "#service/log-layout.ts";
import type { Manifest } from "#service/manifest.ts";
import { decodeManifest, encodeManifest, leafLines } from "#service/manifest.ts";
import { decodeSegment, encodeSegment, segmentRange } from "#service/segment.ts";
import { decodeStaging, encodeStaging } from "#service/staging.ts";
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

describe("a segment", () => {
  it("gives its lines back, whatever they hold but newlines", () => {
    const lines = ["{}", 'é😀 \\n \u2028 "'];

    expect(decodeSegment(encodeSegment(lines), SEGMENT)).toEqual(lines);
  });

  it("is the same bytes for the same lines, without time or system", () => {
    const [first, second] = [encodeSegment(["a", "b"]), encodeSegment(["a", "b"])];

    expect(second).toEqual(first);
    expect([...first.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  it("says by its key which leaves it holds", () => {
    expect(SEGMENT).toBe("segments/v1/dt=2026-03-01/hh=12/0000000000070001-2.jsonl.gz");
    expect(segmentRange(SEGMENT)).toEqual({ firstLeaf: 70_001, count: 2 });
    expect(segmentRange(SEGMENT.replace("-2.", "-0."))).toBeUndefined();
    expect(segmentRange(SEGMENT.replace("segments/v1/", "batches/"))).toBeUndefined();
  });

  it.each([
    { title: "another number of lines", bytes: encodeSegment(["a"]), reason: "holds 1 lines, not 2" },
    { title: "something that is not gzip", bytes: Buffer.from("a\nb\n"), reason: "not gzip" },
    { title: "half of one", bytes: encodeSegment(["a", "b"]).subarray(0, 15), reason: "not gzip" },
  ])("is refused where it is $title", ({ bytes, reason }) => {
    expect(() => decodeSegment(bytes, SEGMENT)).toThrow(reason);
  });

  it("holds at least one line", () => {
    expect(() => encodeSegment([])).toThrow("at least one line");
  });
});

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

describe("a staging object", () => {
  const objects = [{ key: "log/tile/0/000.p/2", bytes: Buffer.from("tile\n") }];
  const staging = { oldSize: 1, newSize: 2, rootHex: "ab".repeat(32), batches: [], objects };
  const { key, bytes } = encodeStaging(staging);

  it.each([
    { title: "a byte is another", change: (copy: Buffer) => copy.fill(1, copy.length - 1) },
    { title: "it is cut", change: (copy: Buffer) => copy.subarray(0, -1) },
    { title: "something follows", change: (copy: Buffer) => Buffer.concat([copy, Buffer.of(0)]) },
  ])("is refused where $title", ({ change }) => {
    const damaged = change(Buffer.from(bytes));

    expect(() => decodeStaging(damaged, key)).toThrow("its content is not what its key names");
  });

  it("is refused under the key of another, and where it is none", () => {
    expect(() => decodeStaging(bytes, key.replace("0000000000000001-", "0000000000000000-"))).toThrow(
      "key names",
    );
    expect(() => decodeStaging(Buffer.from("{}"), key)).toThrow("no whole line");
    expect(() => decodeStaging(Buffer.from("{\n"), key)).toThrow("not JSON");
  });
});
