// Parsers take any text: they answer or throw a TlogError, soon, and what they read is written back byte for byte.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fromBase64, toBase64 } from "#tlog/base64.ts";
import { decodeBundle, encodeBundle } from "#tlog/bundle.ts";
import { fromHex, toHex } from "#tlog/bytes.ts";
import { formatCheckpoint, parseCheckpoint } from "#tlog/checkpoint.ts";
import {
  formatNote,
  formatSignatureLine,
  formatVerifierKey,
  parseNote,
  parseSignatureLine,
  parseVerifierKey,
} from "#tlog/note.ts";
import { parseTilePath, tilePath } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { formatTlogProof, parseTlogProof } from "#tlog/tlog-proof.ts";
import { formatAddCheckpoint, parseAddCheckpoint } from "#tlog/witness.ts";

const RUNS = { numRuns: 1500 };
const int64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const name = fc.stringMatching(/^[a-z0-9./\u00e8\u4e16-]{1,20}$/);
const line = fc.stringMatching(/^[ -~\u00e8\u2014]{1,30}$/);
const checkpoint = fc.record({
  origin: line,
  size: int64,
  root: bytes(32),
  extensions: fc.array(line, { maxLength: 3 }),
});
const signature = fc.record({ name, keyId: bytes(4), signature: bytes(1, 80) });
const note = fc.record({
  body: checkpoint.map(formatCheckpoint),
  signatures: fc.array(signature, { minLength: 1, maxLength: 20 }),
});
const hashes = fc.array(bytes(32), { maxLength: 63 });
const proof = fc
  .record({ index: int64, hashes, checkpoint: note.map(formatNote), extra: fc.option(bytes(1, 40)) })
  .map(({ extra, ...rest }) => (extra === null ? rest : { ...rest, extra }));
const request = fc.record({ oldSize: int64, proof: hashes, checkpoint: note.map(formatNote) });
const verifierKey = fc.record({ name, algorithm: fc.constantFrom(1, 4), publicKey: bytes(32) });
const tile = fc.record({
  level: fc.oneof(fc.nat(63), fc.constant("entries" as const)),
  index: int64,
  width: fc.integer({ min: 1, max: 256 }),
});

/** Each format: texts that are right, the parser, and what the parsed is written as. */
const FORMATS: readonly {
  readonly format: string;
  readonly right: fc.Arbitrary<string>;
  readonly rewrite: (text: string) => string;
}[] = [
  {
    format: "checkpoint",
    right: checkpoint.map(formatCheckpoint),
    rewrite: (t) => formatCheckpoint(parseCheckpoint(t)),
  },
  { format: "note", right: note.map(formatNote), rewrite: (t) => formatNote(parseNote(t)) },
  {
    format: "signature line",
    right: signature.map(formatSignatureLine),
    rewrite: (t) => formatSignatureLine(parseSignatureLine(t)).slice(0, t.endsWith("\n") ? undefined : -1),
  },
  { format: "proof", right: proof.map(formatTlogProof), rewrite: (t) => formatTlogProof(parseTlogProof(t)) },
  {
    format: "request",
    right: request.map(formatAddCheckpoint),
    rewrite: (t) => formatAddCheckpoint(parseAddCheckpoint(t)),
  },
  {
    format: "verifier key",
    right: verifierKey.map((key) => formatVerifierKey(key)),
    rewrite: (t) => formatVerifierKey(parseVerifierKey(t)),
  },
  { format: "base64", right: bytes(0, 50).map(toBase64), rewrite: (t) => toBase64(fromBase64(t)) },
  { format: "hex", right: bytes(0, 50).map(toHex), rewrite: (t) => toHex(fromHex(t)) },
  {
    format: "tile path",
    right: tile.map(tilePath),
    rewrite: (t) => {
      const parsed = parseTilePath(t);
      if (parsed === undefined) throw new TlogError("malformed", "no tile path");
      return tilePath(parsed);
    },
  },
];

/** A right text with some of it cut out, doubled or replaced, mostly by what formats are made of. */
function damaged(right: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      "",
      "\n",
      "\n\n",
      " ",
      "=",
      "+",
      "/",
      "0",
      "x",
      ".p/",
      "\u2014 ",
      "\r",
      "\u0000",
      "\ud800",
      "A",
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  return fc
    .tuple(right, fc.array(fc.tuple(fc.nat(), fc.nat(3), piece), { minLength: 1, maxLength: 3 }))
    .map(([text, edits]) =>
      edits.reduce((changed, [at, cut, put]) => {
        const start = at % (changed.length + 1);
        return changed.slice(0, start) + put + changed.slice(start + cut);
      }, text),
    );
}

describe.each(FORMATS)("the parser of a $format", ({ right, rewrite }) => {
  it("reads what is right, and it is written back as it was", () => {
    fc.assert(
      fc.property(right, (text) => {
        expect(rewrite(text)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it("reads damaged text in the one way that writes it back, or throws a TlogError", () => {
    const anything = fc.oneof(damaged(right), fc.string({ unit: "binary", maxLength: 200 }));

    fc.assert(
      fc.property(anything, (text) => {
        expect(outcome(() => rewrite(text))).toBeOneOf([text, "refused"]);
      }),
      RUNS,
    );
  });
});

describe("the decoder of bundles", () => {
  it("reads any bytes in the one way that writes them back, or throws a TlogError", () => {
    const lengths = fc
      .array(bytes(0, 3), { minLength: 1, maxLength: 8 })
      .map((entries) => encodeBundle(entries));
    const any = fc.oneof(
      lengths,
      bytes(0, 40),
      fc.tuple(lengths, bytes(0, 3)).map(([a, b]) => Uint8Array.of(...a, ...b)),
    );

    fc.assert(
      fc.property(any, (bundle) => {
        expect(outcome(() => toHex(encodeBundle(decodeBundle(bundle))))).toBeOneOf([
          toHex(bundle),
          "refused",
        ]);
      }),
      RUNS,
    );
  });
});

describe("parsers", () => {
  const many = 2 ** 20;

  it.each([
    ["newlines", "\n".repeat(many)],
    ["dashes", "\u2014 ".repeat(many / 2)],
    ["digits", "9".repeat(many)],
    ["padding", "=".repeat(many)],
    ["groups of a path", `tile/0/${"x001/".repeat(many / 8)}001`],
    ["pluses", "+".repeat(many)],
    ["signature lines", `a\n\n${"\u2014 a AAAAAAE=\n".repeat(many / 16)}`],
    ["lines of a proof", `c2sp.org/tlog-proof@v1\nindex 0\n${"A\n".repeat(many / 2)}\n`],
  ])("are done with a million characters of %s within a second of work", (_name, text) => {
    const started = process.cpuUsage();

    for (const { rewrite } of FORMATS) outcome(() => rewrite(text));

    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(1);
  });
});

function outcome(act: () => string): string {
  try {
    return act();
  } catch (error) {
    if (error instanceof TlogError) return "refused";
    throw error;
  }
}
