// Verifier keys and cosignatures are read strictly and written as Go and C2SP write them.
import { describe, expect, it } from "vitest";

import { toBase64 } from "#tlog/base64.ts";
import { toHex } from "#tlog/bytes.ts";
import {
  cosignatureMessage,
  decodeCosignature,
  encodeCosignature,
  formatVerifierKey,
  keyIdOf,
  parseVerifierKey,
} from "#tlog/note.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const PUBLIC_KEY = new Uint8Array(32).fill(5);
const key = { name: "log.example/a", algorithm: 1, publicKey: PUBLIC_KEY };
const id = toHex(keyIdOf(key));
const encoded = toBase64(Uint8Array.of(1, ...PUBLIC_KEY));

describe("verifier keys", () => {
  it("are read back as they were written, for both algorithms", () => {
    const cosigner = { ...key, algorithm: 4 };

    expect(parseVerifierKey(formatVerifierKey(key))).toEqual({ ...key, keyId: keyIdOf(key) });
    expect(parseVerifierKey(formatVerifierKey(cosigner)).algorithm).toBe(4);
    expect(keyIdOf(cosigner)).not.toEqual(keyIdOf(key));
  });

  it("are hashed by the function that is passed", () => {
    const hash = (): Uint8Array => new Uint8Array(32).fill(0xab);

    expect(formatVerifierKey(key, hash)).toBe(`log.example/a+abababab+${encoded}`);
    expect(() => parseVerifierKey(formatVerifierKey(key), hash)).toThrow("its key has abababab");
  });

  it.each([
    ["nothing", ""],
    ["no name", `+${id}+${encoded}`],
    ["a space in the name", `log example+${id}+${encoded}`],
    ["a newline at the end", `log.example/a+${id}+${encoded}\n`],
    ["a newline in the name", `log\n.example/a+${id}+${encoded}`],
    ["a short id", `log.example/a+${id.slice(1)}+${encoded}`],
    ["an uppercase id", `log.example/a+${id.toUpperCase().replace(/^\d/, "A")}+${encoded}`],
    ["another id", `log.example/a+00000000+${encoded}`],
    ["another name", `log.example/b+${id}+${encoded}`],
    ["a key that is no base64", `log.example/a+${id}+${encoded.slice(1)}`],
    ["a short key", `log.example/a+${id}+${toBase64(Uint8Array.of(1, ...PUBLIC_KEY.subarray(1)))}`],
    ["no key", `log.example/a+${id}+`],
    ["only an algorithm", `log.example/a+${id}+AQ==`],
    ["an unknown algorithm", `log.example/a+${id}+${toBase64(Uint8Array.of(2, ...PUBLIC_KEY))}`],
    ["a very long key", `log.example/a+${id}+${"A".repeat(100_000)}`],
  ])("are not read from text with %s", (_name, text) => {
    expect(() => parseVerifierKey(text)).toThrow(TlogError);
  });

  it.each([
    ["a name with a plus", { ...key, name: "a+b" }],
    ["an unknown algorithm", { ...key, algorithm: 6 }],
    ["a short key", { ...key, publicKey: PUBLIC_KEY.subarray(1) }],
  ])("are not written with %s", (_name, wrong) => {
    expect(() => formatVerifierKey(wrong)).toThrow(TlogError);
  });
});

describe("cosignatures", () => {
  it("sign the message that tlog-cosignature shows", () => {
    const body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    const message = cosignatureMessage(1_679_315_147n, body);

    expect(Buffer.from(message).toString()).toBe(`cosignature/v1\ntime 1679315147\n${body}`);
  });

  it("hold the time in eight bytes before the signature", () => {
    const signature = new Uint8Array(64).fill(9);

    const bytes = encodeCosignature(0x0102n, signature);

    expect(bytes.slice(0, 9)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2, 9));
    expect(decodeCosignature(bytes)).toEqual({ timestamp: 0x0102n, signature });
  });

  it("are refused with another length or a time above 2^63 - 1", () => {
    const signature = new Uint8Array(64);
    const late = new Uint8Array(72).fill(0x80, 0, 1);

    expect(() => decodeCosignature(new Uint8Array(71))).toThrow("71 bytes; it must be 72");
    expect(() => decodeCosignature(late)).toThrow("timestamp 9223372036854775808 is not from");
    expect(() => encodeCosignature(0n, new Uint8Array(63))).toThrow("63 bytes; it must be 64");
    expect(() => encodeCosignature(-1n, signature)).toThrow(TlogError);
    expect(() => cosignatureMessage(2n ** 63n, "a\n")).toThrow(TlogError);
  });
});
