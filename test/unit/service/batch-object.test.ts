// Objects of a batch: keys that follow from the id and sort by time, lines kept to the byte, and loud refusal of whatever
// this release did not write.
import { gunzipSync, gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createIdentifiers } from "#lib/identifiers.ts";
import {
  batchIdOf,
  batchKey,
  batchTimeMs,
  decodeBatch,
  decodeOutcome,
  encodeBatch,
  encodeOutcome,
  keyBefore,
  outcomeKey,
  readBatchKey,
} from "#service/batch-object.ts";

/** Begun 2026-03-01T12:00:00.000Z. */
const BATCH = "019ca945-0a00-7000-95d4-574c11063b85";
const OUTCOME = { batchId: BATCH, lineCount: 4, winners: [0, 3], conflicts: [2] };

function idAt(timeMs: number): string {
  return createIdentifiers({ nowMs: () => timeMs, fillRandom: (bytes) => bytes.fill(7) }).newEventId();
}

const times = fc.integer({ min: 1, max: Date.parse("2999-12-31T23:59:59.999Z") });

describe("the keys of a batch", () => {
  it("name day and hour in UTC, of the time in its id", () => {
    expect(batchTimeMs(BATCH)).toBe(Date.parse("2026-03-01T12:00:00.000Z"));
    expect(batchKey(BATCH)).toBe(`batches/dt=2026-03-01/hh=12/${BATCH}.jsonl.gz`);
    expect(outcomeKey(BATCH)).toBe(`batches/dt=2026-03-01/hh=12/${BATCH}.outcome.json`);
  });

  it("give the id back", () => {
    expect(batchIdOf(batchKey(BATCH))).toBe(BATCH);
    expect(batchIdOf(outcomeKey(BATCH))).toBeUndefined();
    expect(readBatchKey(batchKey(BATCH))).toEqual({ kind: "batch", batchId: BATCH });
    expect(readBatchKey(outcomeKey(BATCH))).toEqual({ kind: "outcome", batchId: BATCH });
  });

  it.each([
    `batches/dt=2026-03-01/hh=13/${BATCH}.jsonl.gz`,
    `batches/dt=2026-03-02/hh=12/${BATCH}.outcome.json`,
    `batches/dt=2026-03-01/hh=12/${BATCH}.jsonl.zst`,
    `batches/dt=2026-03-01/hh=12/${BATCH}.jsonl.gz.2`,
    `batches/dt=2026-03-01/hh=12/${BATCH.toUpperCase()}.jsonl.gz`,
    `other/batches/dt=2026-03-01/hh=12/${BATCH}.jsonl.gz`,
    "batches/",
  ])("do not recognise %s", (key) => {
    expect(readBatchKey(key)).toEqual({ kind: "unknown" });
  });

  it("sort by time, with a place before all that were begun at a time", () => {
    fc.assert(
      fc.property(times, times, (first, second) => {
        const [earlier, later] = first < second ? [first, second] : [second, first];

        expect(keyBefore(later) < batchKey(idAt(later))).toBe(true);
        expect(keyBefore(later) < outcomeKey(idAt(later))).toBe(true);
        if (earlier < later) expect(batchKey(idAt(earlier)) < keyBefore(later)).toBe(true);
        if (earlier < later) expect(outcomeKey(idAt(earlier)) < keyBefore(later)).toBe(true);
      }),
    );
  });

  it.each(["", "batch", BATCH.toUpperCase(), BATCH.replace("-7", "-4"), `${BATCH}0`])(
    "are refused for %j, which is no UUIDv7 in lower case",
    (batchId) => {
      expect(() => batchKey(batchId)).toThrow(RangeError);
    },
  );
});

describe("the lines of a batch", () => {
  it("come back to the byte, in their order", () => {
    const line = fc.string({ unit: "binary", minLength: 1 }).filter((text) => !text.includes("\n"));

    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (lines) => {
        expect(decodeBatch(encodeBatch(lines), BATCH)).toEqual(lines);
      }),
      { examples: [[["\ufeffbegins with a byte order mark", "\r", " "]]] },
    );
  });

  it("are gzip of lines that each end with a newline, the same bytes every time", () => {
    const bytes = encodeBatch(["one", "two"]);

    expect(gunzipSync(bytes).toString()).toBe("one\ntwo\n");
    expect(Buffer.from(encodeBatch(["one", "two"]))).toEqual(Buffer.from(bytes));
    expect(Buffer.from(bytes.slice(0, 10)).toString("hex")).toBe("1f8b08000000000000ff");
  });

  it("are at least one and at most 10,000", () => {
    expect(() => encodeBatch([])).toThrow("a batch of 0 lines");
    expect(encodeBatch(Array.from({ length: 10_000 }, () => "x"))).toBeInstanceOf(Uint8Array);
    expect(() => encodeBatch(Array.from({ length: 10_001 }, () => "x"))).toThrow("a batch of 10001 lines");
  });

  const whole = encodeBatch(["first line", "second line"]);
  it.each([
    { title: "that are cut short", bytes: whole.slice(0, -5) },
    { title: "with one byte changed", bytes: whole.map((byte, at) => (at === 15 ? byte ^ 1 : byte)) },
    { title: "that are no gzip", bytes: Buffer.from("first line\n") },
    { title: "without the last newline", bytes: gzipSync("first line\nsecond") },
    { title: "that are none", bytes: gzipSync("") },
    { title: "that are no UTF-8", bytes: gzipSync(Buffer.from([0x61, 0xff, 0x0a])) },
    { title: "that are too many", bytes: gzipSync("x\n".repeat(10_001)) },
    { title: "that unpack to too much", bytes: gzipSync("x\n".padStart(65 * 1024 * 1024, "x")) },
  ])("are refused $title, with the batch named", ({ bytes }) => {
    expect(() => decodeBatch(bytes, BATCH)).toThrow(
      expect.objectContaining({
        code: "storage-unavailable",
        retryable: false,
        message: expect.stringContaining(`batch object ${BATCH} is damaged`),
      }),
    );
  });
});

describe("the outcome of a batch", () => {
  it("is written like this for ever", () => {
    expect(Buffer.from(encodeOutcome(OUTCOME)).toString()).toBe(
      `{"format":1,"batch":"${BATCH}","lines":4,"winners":[0,3],"conflicts":[2]}`,
    );
  });

  it("comes back as it was", () => {
    expect(decodeOutcome(encodeOutcome(OUTCOME), BATCH)).toEqual(OUTCOME);
  });

  it.each([
    {
      title: "of a newer format",
      text: `{"format":2,"batch":"${BATCH}","lines":4,"winners":[],"conflicts":[]}`,
    },
    {
      title: "with a member more",
      text: `{"format":1,"batch":"${BATCH}","lines":4,"winners":[],"conflicts":[],"x":1}`,
    },
    {
      title: "of another batch",
      text: `{"format":1,"batch":"${idAt(1)}","lines":4,"winners":[],"conflicts":[]}`,
    },
    {
      title: "with a line too many",
      text: `{"format":1,"batch":"${BATCH}","lines":4,"winners":[4],"conflicts":[]}`,
    },
    {
      title: "with a line twice",
      text: `{"format":1,"batch":"${BATCH}","lines":4,"winners":[1],"conflicts":[1]}`,
    },
    { title: "that is no JSON", text: "{" },
  ])("is refused $title", ({ text }) => {
    expect(() => decodeOutcome(Buffer.from(text), BATCH)).toThrow(
      expect.objectContaining({ code: "storage-unavailable", message: expect.stringContaining(BATCH) }),
    );
  });
});
