// Bodies of API Gateway events: base64, gzip with a bound, UTF-8, types and sizes.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { SentBody } from "#functions/request-body.ts";
import { readBody } from "#functions/request-body.ts";
import { AuditServiceError } from "#lib/errors.ts";

const LIMITS = { schema: "NewEvent", maxWireBytes: 1000, maxDecodedBytes: 2000, isOptional: false } as const;
const PLAIN: SentBody = {
  body: "{}",
  isBase64Encoded: false,
  contentType: "application/json",
  contentEncoding: undefined,
};

describe("readBody", () => {
  it("answers text at once", () => {
    expect(readBody({ ...PLAIN, body: '{"ü":1}' }, LIMITS)).toBe('{"ü":1}');
  });

  it.each([
    "application/json",
    "Application/JSON",
    'application/json; charset="UTF-8"',
    "application/json;charset=utf-8",
  ])("takes the type %s", (contentType) => {
    expect(readBody({ ...PLAIN, contentType }, LIMITS)).toBe("{}");
  });

  it("decodes base64", () => {
    const body = Buffer.from('{"ü":1}').toString("base64");

    expect(readBody({ ...PLAIN, body, isBase64Encoded: true }, LIMITS)).toBe('{"ü":1}');
  });

  it("decompresses a small body at once and a large one in the background", async () => {
    const text = JSON.stringify({
      noise: Array.from({ length: 20_000 }, (_, index) => Math.imul(index, 2_654_435_761)),
    });
    const limits = { ...LIMITS, maxWireBytes: 1e6, maxDecodedBytes: 1e6 };

    expect(readBody(zipped("{}"), LIMITS)).toBe("{}");
    expect(readBody(zipped(text), limits)).toBeInstanceOf(Promise);
    await expect(readBody(zipped(text), limits)).resolves.toBe(text);
  });

  it("takes no body for {} only where it is optional", () => {
    const nothing = { ...PLAIN, body: undefined, contentType: undefined };

    expect(readBody(nothing, { ...LIMITS, isOptional: true })).toBe("{}");
    expect(() => readBody(nothing, LIMITS)).toThrow(AuditServiceError);
  });

  it.each([
    ["of another type", { contentType: "text/plain" }, "unsupported-media-type"],
    ["in another charset", { contentType: "application/json; charset=latin1" }, "unsupported-media-type"],
    ["without a type", { contentType: undefined }, "unsupported-media-type"],
    ["in another encoding", { contentEncoding: "br" }, "unsupported-media-type"],
    ["over the limit", { body: "x".repeat(1001) }, "payload-too-large"],
    ["over the limit in bytes", { body: "ü".repeat(501) }, "payload-too-large"],
    [
      "over the limit in base64",
      { body: Buffer.alloc(1001).toString("base64"), isBase64Encoded: true },
      "payload-too-large",
    ],
    ["of no UTF-8", { body: "/w==", isBase64Encoded: true }, "malformed-json"],
    ["of no gzip", { contentEncoding: "gzip" }, "malformed-json"],
    ["over the limit after decompression", zipped("x".repeat(2001)), "payload-too-large"],
  ])("refuses a body %s", (_, sent, code) => {
    expect(codeOf(() => readBody({ ...PLAIN, ...sent }, LIMITS))).toBe(code);
  });

  it("stops decompressing a bomb at the limit", async () => {
    const bomb = zipped("x".repeat(50_000_000));

    await expect(readBody(bomb, { ...LIMITS, maxWireBytes: 1e6 })).rejects.toMatchObject({
      code: "payload-too-large",
    });
  });
});

function zipped(text: string): SentBody {
  const body = gzipSync(text).toString("base64");
  return { ...PLAIN, body, isBase64Encoded: true, contentEncoding: "gzip" };
}

function codeOf(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    return error instanceof AuditServiceError ? error.code : String(error);
  }
  return undefined;
}
