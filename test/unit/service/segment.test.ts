// Segments: lines come back as they are, and nothing else is taken for one.
import { describe, expect, it } from "vitest";

import { segmentKey } from "#service/log-layout.ts";
import { decodeSegment, encodeSegment, segmentRange } from "#service/segment.ts";
import { BATCH_TIME_MS } from "#test/contract/sample-batches.ts";

const SEGMENT = segmentKey(BATCH_TIME_MS, 70_001, 2);

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
