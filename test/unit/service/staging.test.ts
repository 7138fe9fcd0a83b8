// Staging objects: what their key names, to the byte, and nothing else.
import { describe, expect, it } from "vitest";

import { decodeStaging, encodeStaging } from "#service/staging.ts";

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
