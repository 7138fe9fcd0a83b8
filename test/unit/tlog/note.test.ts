// Notes are read, written and checked as C2SP signed-note and Go's sumdb/note say.
import { webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";

import type { Ed25519VerifyAsync } from "#tlog/note.ts";
import {
  formatNote,
  formatSignatureLine,
  formatVerifierKey,
  parseNote,
  parseSignatureLine,
  parseVerifierKey,
  verifyNote,
  verifyNoteAsync,
} from "#tlog/note.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { ed25519Verify, testCosigner, testSigner } from "#test/support/tlog-keys.ts";

/** The example of C2SP signed-note. */
const EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE =
  "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
/** The example of Go's sumdb/note. */
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
  "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n" +
  "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

const BODY = "log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
const LINE = "\u2014 a AAAAAAE=\n";
const log = testSigner("log.example/a", 1);
const other = testSigner("log.example/b", 2);
const witness = testCosigner("witness.example/w", 3);

const webVerify: Ed25519VerifyAsync = async (publicKey, message, signature) => {
  const key = await webcrypto.subtle.importKey("raw", publicKey.slice(), "Ed25519", false, ["verify"]);
  return webcrypto.subtle.verify("Ed25519", key, signature.slice(), message.slice());
};

describe("published notes", () => {
  it.each([
    ["C2SP signed-note", EXAMPLE, EXAMPLE_KEY],
    ["Go's sumdb/note", GO_NOTE, GO_KEY],
  ])("of %s are verified", (_name, text, vkey) => {
    const key = parseVerifierKey(vkey);

    const { verified } = verifyNote(parseNote(text), [key], ed25519Verify);

    expect(verified).toEqual([{ key, timestamp: undefined }]);
    expect(formatNote(parseNote(text))).toBe(text);
    expect(formatVerifierKey(key)).toBe(vkey);
  });
});

describe("parseNote", () => {
  it("splits at the last blank line", () => {
    expect(parseNote(`a\n\nb\n\n${LINE}`).body).toBe("a\n\nb\n");
  });

  it("takes 100 signatures and no more", () => {
    expect(parseNote(`a\n\n${LINE.repeat(100)}`).signatures.length).toBe(100);
    expect(() => parseNote(`a\n\n${LINE.repeat(101)}`)).toThrow("101 signatures; the limit is 100");
  });

  it("refuses more than 1 MiB without looking at it", () => {
    expect(() => parseNote("a".repeat(1024 * 1024 + 1))).toThrow("1048577 characters; the limit is 1048576");
  });

  it.each([
    ["nothing", ""],
    ["no blank line", `a\n${LINE}`],
    ["a signature line right behind its text", `x${LINE}`],
    ["no newline behind the second signature", `a\n\n${LINE}${LINE.slice(0, -1)}`],
    ["no signature", "a\n\n"],
    ["no newline at the end", `a\n\n${LINE.slice(0, -1)}`],
    ["a line between signatures", `a\n\n${LINE}x\n${LINE}`],
    ["a carriage return", `a\r\n\n${LINE}`],
    ["a tab", `a\tb\n\n${LINE}`],
    ["a zero byte", `a\u0000\n\n${LINE}`],
    ["a lone surrogate", `a\ud800\n\n${LINE}`],
    ["a hyphen for the dash", "a\n\n- a AAAAAAE=\n"],
    ["no name", "a\n\n\u2014  AAAAAAE=\n"],
    ["a plus in the name", "a\n\n\u2014 a+b AAAAAAE=\n"],
    ["a no-break space in the name", "a\n\n\u2014 a\u00a0b AAAAAAE=\n"],
    ["a next line character in the name", "a\n\n\u2014 a\u0085b AAAAAAE=\n"],
    ["two spaces", "a\n\n\u2014 a  AAAAAAE=\n"],
    ["something behind the signature", "a\n\n\u2014 a AAAAAAE= b\n"],
    ["no signature behind the key id", "a\n\n\u2014 a AAAAAA==\n"],
    ["a signature that is no base64", "a\n\n\u2014 a AAAAAAE\n"],
  ])("refuses a note with %s", (_name, text) => {
    expect(() => parseNote(text)).toThrow(TlogError);
  });
});

describe("signature lines", () => {
  it("are read with their newline or without", () => {
    expect(parseSignatureLine(LINE)).toEqual(parseSignatureLine(LINE.slice(0, -1)));
    expect(formatSignatureLine(parseSignatureLine(LINE))).toBe(LINE);
  });

  it("are not written where they could not be read", () => {
    const keyId = new Uint8Array(4);
    const signature = Uint8Array.of(1);

    expect(() => formatSignatureLine({ name: "a b", keyId, signature })).toThrow(TlogError);
    expect(() => formatSignatureLine({ name: "a", keyId: new Uint8Array(3), signature })).toThrow(TlogError);
    expect(() => formatSignatureLine({ name: "a", keyId, signature: new Uint8Array(0) })).toThrow(TlogError);
    expect(() => formatNote({ body: "no newline", signatures: [] })).toThrow(TlogError);
    expect(() => formatNote({ body: "none signed\n", signatures: [] })).toThrow(TlogError);
  });
});

describe("verifyNote", () => {
  const note = {
    body: BODY,
    signatures: [log.sign(BODY), other.sign(BODY), witness.cosign(BODY, 1_700_000_000n)],
  };

  it("names the keys that signed, with the time of a cosignature", () => {
    const { verified } = verifyNote(note, [witness.key, log.key], ed25519Verify);

    expect(verified).toEqual([
      { key: log.key, timestamp: undefined },
      { key: witness.key, timestamp: 1_700_000_000n },
    ]);
  });

  it("gives the same with the asynchronous verification of a browser", async () => {
    const inBrowser = await verifyNoteAsync(note, [witness.key, log.key], webVerify);

    expect(inBrowser).toEqual(verifyNote(note, [witness.key, log.key], ed25519Verify));
    await expect(verifyNoteAsync({ ...note, body: `${BODY}x\n` }, [log.key], webVerify)).rejects.toThrow(
      TlogError,
    );
  });

  it("ignores a wrong signature of a key that it does not know", () => {
    const forged = { ...other.sign(BODY), signature: new Uint8Array(64) };

    const { verified } = verifyNote(
      { body: BODY, signatures: [forged, log.sign(BODY)] },
      [log.key],
      ed25519Verify,
    );

    expect(verified.map(({ key }) => key)).toEqual([log.key]);
  });

  it("ignores a signature that shares only the name or only the id of a known key", () => {
    const sameName = { ...other.sign(BODY), name: log.key.name };
    const sameId = { ...log.sign("else\n"), name: "log.example/c" };

    const signatures = [sameName, sameId, log.sign(BODY)];

    expect(verifyNote({ body: BODY, signatures }, [log.key], ed25519Verify).verified.length).toBe(1);
  });

  it.each([
    ["of another text", log.sign("else\n")],
    ["of too few bytes", { ...log.sign(BODY), signature: log.sign(BODY).signature.subarray(1) }],
    ["of too many bytes", { ...log.sign(BODY), signature: new Uint8Array(65) }],
    ["of one byte", { ...log.sign(BODY), signature: new Uint8Array(1) }],
  ])("refuses the note for a signature of a known key %s, also behind a good one", (_name, wrong) => {
    const signatures = [log.sign(BODY), wrong];

    expect(() => verifyNote({ body: BODY, signatures }, [log.key], ed25519Verify)).toThrow(
      `the signature by "log.example/a+`,
    );
  });

  it("refuses a cosignature with another time, without time, or as a plain signature", () => {
    const good = witness.cosign(BODY, 5n);
    const later = {
      ...good,
      signature: Uint8Array.from(good.signature, (byte, at) => (at === 7 ? 6 : byte)),
    };
    const bare = { ...good, signature: good.signature.subarray(8) };
    const plain = { ...witness.key, signature: log.sign(BODY).signature };
    const check = (signature: typeof good) => () =>
      verifyNote({ body: BODY, signatures: [signature] }, [witness.key], ed25519Verify);

    expect(check(good)().verified[0]?.timestamp).toBe(5n);
    for (const wrong of [later, bare, plain]) expect(check(wrong)).toThrow(TlogError);
  });

  it("gives the newest time where a cosigner signed several times", () => {
    const signatures = [1n, 3n, 2n].map((time) => witness.cosign(BODY, time));

    const { verified } = verifyNote({ body: BODY, signatures }, [witness.key], ed25519Verify);

    expect(verified).toEqual([{ key: witness.key, timestamp: 3n }]);
  });

  it("refuses a note that none of the known keys signed", () => {
    expect(() => verifyNote(note, [testSigner("x", 9).key], ed25519Verify)).toThrow("none of the known keys");
    expect(() => verifyNote(note, [], ed25519Verify)).toThrow("none of the known keys");
  });

  it("refuses two different keys under one name and id, and takes one key twice", () => {
    const double = { ...other.key, name: log.key.name, keyId: log.key.keyId };

    expect(() => verifyNote(note, [log.key, double], ed25519Verify)).toThrow("two different keys");
    expect(verifyNote(note, [log.key, { ...log.key }], ed25519Verify).verified.length).toBe(1);
  });
});
