// Requests to witnesses are read as tlog-witness writes them, and nothing else is.
import { describe, expect, it } from "vitest";

import { TlogError } from "#tlog/tlog-error.ts";
import { formatAddCheckpoint, parseAddCheckpoint } from "#tlog/witness.ts";

/** The example of C2SP tlog-witness. */
const HASHES = [
  "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
  "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
  "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=",
  "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
];
const CHECKPOINT =
  "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
  "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

describe("add-checkpoint requests", () => {
  it("are read and written as in the specification", () => {
    const text = `old 20852014\n${HASHES.join("\n")}\n\n${CHECKPOINT}`;

    const request = parseAddCheckpoint(text);

    expect(request.oldSize).toBe(20_852_014n);
    expect(request.proof.map((hash) => Buffer.from(hash).toString("base64"))).toEqual(HASHES);
    expect(request.checkpoint).toBe(CHECKPOINT);
    expect(formatAddCheckpoint(request)).toBe(text);
  });

  it("for a witness that knows nothing have no proof", () => {
    const text = `old 0\n\n${CHECKPOINT}`;

    expect(formatAddCheckpoint({ oldSize: 0n, proof: [], checkpoint: CHECKPOINT })).toBe(text);
    expect(parseAddCheckpoint(text)).toEqual({ oldSize: 0n, proof: [], checkpoint: CHECKPOINT });
  });

  it.each([
    ["nothing", ""],
    ["no old size", `\n${CHECKPOINT}`],
    ["another word", `size 1\n\n${CHECKPOINT}`],
    ["two spaces", `old  1\n\n${CHECKPOINT}`],
    ["a leading zero", `old 01\n\n${CHECKPOINT}`],
    ["a size above 2^63 - 1", `old 9223372036854775808\n\n${CHECKPOINT}`],
    ["no blank line", `old 1\n${CHECKPOINT.split("\n\n").join("\n")}`],
    ["64 hashes", `old 1\n${`${HASHES[0]}\n`.repeat(64)}\n${CHECKPOINT}`],
    ["a short hash", `old 1\nAAAA\n\n${CHECKPOINT}`],
    ["an unsigned checkpoint", `old 1\n\n${CHECKPOINT.split("\n\n")[0]}\n`],
  ])("are not read from text with %s", (_name, text) => {
    expect(() => parseAddCheckpoint(text)).toThrow(TlogError);
  });

  it("are not written with a negative size", () => {
    expect(() => formatAddCheckpoint({ oldSize: -1n, proof: [], checkpoint: CHECKPOINT })).toThrow(TlogError);
  });
});
