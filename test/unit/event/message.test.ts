// Messages of the queues: golden vectors, packing that neither loses nor reorders, and bodies made to hurt the reader.
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { UnpackedMessage } from "#event/message.ts";
import { chunksOf, MAX_CONTENT_BYTES, packEvents, packLines, unpackMessage } from "#event/message.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";

interface Vector {
  readonly name: string;
  readonly body: string;
  readonly message: UnpackedMessage;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../vectors/messages-v1.json", import.meta.url), "utf8"),
) as Vector[];

const KIB = 1024;
const RUNS = 200;

function linesOf(bodies: readonly string[]): readonly string[] {
  return bodies.flatMap((body) => {
    const message = unpackMessage(body);
    return message.kind === "lines" ? message.lines : [`${message.kind} message`];
  });
}

function inMessage(content: Uint8Array): string {
  return `L1z.${zstdCompressSync(content).toString("base64")}`;
}

describe("the vectors of format version 1", () => {
  it("are all there", () => {
    expect(vectors.map(({ message }) => message.kind)).toEqual(
      expect.arrayContaining(["lines", "events", "plain", "newer", "damaged"]),
    );
  });

  it.each(vectors)("are read: $name", ({ body, message }) => {
    expect(unpackMessage(body)).toEqual(message);
  });
});

describe("packLines", () => {
  it("makes no message of no lines", () => {
    expect(packLines([])).toEqual([]);
  });

  it("gives back every line in order, whatever the limit", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => JSON.stringify({ text })),
          {
            minLength: 1,
          },
        ),
        fc.integer({ min: 1 * KIB, max: 4 * KIB }),
        (lines, maxBytes) => {
          const bodies = packLines(lines, maxBytes);

          expect(linesOf(bodies)).toEqual(lines);
          expect(Math.max(...bodies.map((body) => body.length))).toBeLessThanOrEqual(maxBytes);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("takes 100 events of 700 bytes in one message that is billed once", () => {
    const lines = Array.from({ length: 100 }, (_, index) => ordinaryLine(index));

    const bodies = packLines(lines);

    expect(Math.min(...lines.map((line) => line.length))).toBeGreaterThanOrEqual(700);
    expect(bodies.map(chunksOf)).toEqual([1]);
  });

  it("splits what unpacks to more than a reader takes", () => {
    const lines = Array.from({ length: 20 }, () => "a".repeat(1024 * KIB));

    const bodies = packLines(lines);

    expect(linesOf(bodies)).toEqual(lines);
    expect(bodies).toHaveLength(3);
  });

  it("refuses a line that no message can hold", () => {
    expect(() => packLines(["x", "y".repeat(9 * 1024 * KIB)])).toThrow(RangeError);
  });
});

describe("packEvents", () => {
  it("gives back the text that was packed", () => {
    const json = JSON.stringify({ events: [{ action: "é 漢字 😀", service_name: "shop" }] });

    expect(unpackMessage(packEvents(json))).toEqual({ kind: "events", json });
  });

  it("refuses what no reader would unpack", () => {
    expect(() => packEvents("x".repeat(MAX_CONTENT_BYTES + 1))).toThrow(/limit is 8388608/);
  });
});

describe("chunksOf", () => {
  it.each([
    ["", 0],
    ["x", 1],
    ["x".repeat(64 * KIB), 1],
    [`${"x".repeat(64 * KIB)}x`, 2],
    ["é".repeat(40 * KIB), 2],
  ])("counts what begins of 64 KiB", (body, chunks) => {
    expect(chunksOf(body)).toBe(chunks);
  });
});

describe("a hostile body", () => {
  it("that unpacks to 256 MiB is refused within bounds", () => {
    const bomb = inMessage(Buffer.alloc(256 * 1024 * KIB));
    const before = process.memoryUsage().arrayBuffers;

    const message = unpackMessage(bomb);

    expect(message).toEqual({ kind: "damaged", reason: "unpacks to more than 8388608 bytes" });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * KIB);
  });

  it.each([
    ["is cut off", (frame: Buffer) => frame.subarray(0, -3)],
    ["has a second frame behind it", (frame: Buffer) => Buffer.concat([frame, frame])],
    ["has more behind it", (frame: Buffer) => Buffer.concat([frame, Buffer.from("more")])],
  ])("whose frame %s is refused whole", (_, harm) => {
    const [body = ""] = packLines([ordinaryLine(1)]);
    const frame = harm(Buffer.from(body.slice(4), "base64"));

    expect(unpackMessage(`L1z.${frame.toString("base64")}`)).toEqual({
      kind: "damaged",
      reason: "is not one sound zstd frame",
    });
  });

  it("never gives other lines than were packed, whichever byte has lost a bit", () => {
    const [body = ""] = packLines([ordinaryLine(1)]);
    const frame = Buffer.from(body.slice(4), "base64");
    const whole = unpackMessage(body);

    const read = Array.from(frame, (byte, at) => {
      const harmed = Buffer.from(frame);
      harmed[at] = byte ^ (1 << (at % 8));
      return unpackMessage(`L1z.${harmed.toString("base64")}`);
    });

    const wrong = read.filter((message) => message.kind !== "damaged" && !isDeepStrictEqual(message, whole));
    expect(wrong).toEqual([]);
  });

  it("that holds no UTF-8 is refused", () => {
    expect(unpackMessage(inMessage(Buffer.from([0x22, 0xff, 0x22])))).toEqual({
      kind: "damaged",
      reason: "holds bytes that are not UTF-8",
    });
  });

  it("of any text is read without throwing", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("L1z.", "E1z.", "L1.", "E99q.", "L0z.", "E1z", ""),
        fc.oneof(fc.string(), fc.base64String()),
        (prefix, rest) => {
          expect(unpackMessage(prefix + rest)).toHaveProperty("kind");
        },
      ),
      { numRuns: RUNS },
    );
  });
});

/** The line of an event such as many services send, with ids that do not repeat. */
function ordinaryLine(index: number): string {
  const unique = hash("sha256", String(index)).slice(0, 24);
  return sampleLine({
    event_id: `order-${unique}`,
    user_id: `user-${unique}`,
    session_id: `session-${unique}`,
    resource_type: "order",
    resource_id: `orders/${unique}`,
    source_ip: `10.0.${index % 250}.${(index * 7) % 250}`,
    user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    message: `order ${unique} was changed by its owner in the shop`,
    metadata: { amount: index * 17.5, currency: "EUR", cart: [unique, index], note: hash("sha256", unique) },
  }).text;
}
