// Checkpoints: signatures, witnesses, and what is known of the log from before. Somebody without the key cannot sign;
// somebody with it cannot take back what others have seen.
import { describe, expect, it } from "vitest";
import { formatCheckpoint } from "#tlog/checkpoint.ts";
import { COSIGNATURE_V1, formatNote } from "#tlog/note.ts";
import { newFolder } from "#test/support/folders.ts";
import {
  flip,
  newKey,
  ORIGIN,
  put,
  read,
  remove,
  testLine,
  testLines,
  writeLog,
} from "#test/support/tampered-logs.ts";
import { madeLog, verdictOf, verdictTextOf } from "#test/support/verified-logs.ts";

const LINES = testLines(600);
const AT_S = Date.parse("2026-03-01T12:00:00Z") / 1000;

describe("the checkpoint of a log", () => {
  it.each([0, 14, 40])("is refused where byte %i was altered", async (byte) => {
    const log = await madeLog({ lines: LINES, form: "bucket" });
    await flip(log.folder, "log/checkpoint", byte);

    const text = await verdictTextOf(log);

    expect(text).toMatch(/^NOT VERIFIED\n {2}first difference: log\/checkpoint\n/);
    expect(text).toMatch(/its signature does not hold|it is no checkpoint/);
  });

  it("is refused where it is signed by another key of the same name", async () => {
    const log = await madeLog({ lines: LINES, form: "bucket" });

    const text = await verdictTextOf({ ...log, key: newKey(ORIGIN) });

    expect(text).toMatch(/its signature does not hold/);
  });

  it("is refused where it is that of another log, signed by a key that is trusted for this one", async () => {
    const log = await madeLog({ lines: LINES, form: "bucket", key: newKey("log.test/2") });

    const text = await verdictTextOf(log);

    expect(text).toContain("the log log.test/1 has not signed it with the key that was given (log.test/2)");
  });

  it("is refused where it is missing", async () => {
    const log = await madeLog({ lines: LINES, form: "bucket" });
    await remove(log.folder, "log/checkpoint");

    expect(await verdictTextOf(log)).toContain("there is no checkpoint");
  });

  it("is refused where it is not UTF-8, as by other tools", async () => {
    const log = await madeLog({ lines: LINES, form: "bucket" });
    const note = await read(log.folder, "log/checkpoint");
    const line = Buffer.concat([Buffer.from("— s"), Buffer.of(0xff), Buffer.from(" AAAAAAAAAAAA\n")]);
    await put(log.folder, "log/checkpoint", Buffer.concat([note, line]));

    expect(await verdictTextOf(log)).toMatch(/^NOT VERIFIED\n[^]*it is no checkpoint: .* not UTF-8/);
  });

  it.each([2 ** 40, Number.MAX_SAFE_INTEGER])(
    "is refused, and does not keep a verifier for ever, where it says %i leaves",
    async (size) => {
      const log = await madeLog({ lines: LINES, form: "local" });
      const root = Buffer.alloc(32, 1);
      const body = formatCheckpoint({ origin: ORIGIN, size: BigInt(size), root, extensions: [] });
      await put(log.folder, "log/checkpoint", formatNote({ body, signatures: [log.key.line(body)] }));

      const text = await verdictTextOf(log);

      expect(text).toMatch(/^NOT VERIFIED/);
      expect(text).toContain("nothing is there of 10000 tiles");
    },
  );

  it("is verified for an empty log", async () => {
    const log = await madeLog({ lines: [], form: "local" });

    expect(await verdictTextOf(log)).toMatch(/^verified: log\.test\/1, 0 leaves\n/);
  });
});

describe("a log that was seen before", () => {
  it("is verified where it has grown", async () => {
    const log = await madeLog({ lines: LINES.slice(0, 300), form: "local" });
    const kept = { name: "kept", note: (await read(log.folder, "log/checkpoint")).toString() };
    await writeLog(log.folder, { lines: LINES, form: "local", key: log.key });

    const text = await verdictTextOf(log, { known: [kept] });

    expect(text).toMatch(/^verified/);
    expect(text).toContain("grew from    300 leaves, as kept says");
  });

  it.each([1, 255, 256, 257, 511, 512, 600])("is verified from any size, such as %i", async (size) => {
    const log = await madeLog({ lines: LINES.slice(0, size), form: "local" });
    const kept = { name: "kept", note: (await read(log.folder, "log/checkpoint")).toString() };
    await writeLog(log.folder, { lines: LINES, form: "local", key: log.key });

    expect(await verdictOf(log, { known: [kept] })).toMatchObject({
      isVerified: true,
      consistentWith: [{ size }],
    });
  });

  it("is refused where its end was cut and its checkpoint rolled back to an older one", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const kept = { name: "kept", note: (await read(log.folder, "log/checkpoint")).toString() };
    const rolledBack = await madeLog({ lines: LINES.slice(0, 500), form: "local", key: log.key });

    const text = await verdictTextOf(rolledBack, { known: [kept] });

    expect(await verdictTextOf(rolledBack)).toMatch(/^verified/);
    expect(text).toMatch(/^NOT VERIFIED/);
    expect(text).toContain("the log was rolled back: it was signed with 600 leaves before, and has 500 now");
  });

  it.each([300, 600, 700])(
    "is refused where it was written anew with the key, with %i leaves",
    async (size) => {
      const log = await madeLog({ lines: LINES.slice(0, 300), form: "local" });
      const kept = { name: "kept", note: (await read(log.folder, "log/checkpoint")).toString() };
      const lines = testLines(size).with(7, testLine(1_000_000));
      const forged = await madeLog({ lines, form: "local", key: log.key });

      const text = await verdictTextOf(forged, { known: [kept] });

      expect(await verdictTextOf(forged)).toMatch(/^verified/);
      expect(text).toContain(
        "the log was rewritten: its first 300 leaves are not those that were signed before",
      );
      expect(text).toContain("at size 300, as kept says");
    },
  );

  it("is not accused by a checkpoint that nobody has signed", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const other = await madeLog({ lines: testLines(700), form: "local", key: newKey(ORIGIN) });
    const note = (await read(other.folder, "log/checkpoint")).toString();

    const { isVerified, findings } = await verdictOf(log, { known: [{ name: "framed", note }] });

    expect(isVerified).toBe(false);
    expect(findings).toMatchObject([{ kind: "signature", object: "framed" }]);
  });
});

describe("a log with witnesses", () => {
  const witness = newKey("witness.test/w", COSIGNATURE_V1);

  it("is verified where they have cosigned, and it is said when", async () => {
    const cosigners = [{ key: witness, timeS: AT_S }];
    const log = await madeLog({ lines: LINES, form: "bucket", cosigners });

    const text = await verdictTextOf(log, { witnesses: [witness] });

    expect(text).toMatch(/^verified/);
    expect(text).toContain("cosigned by  witness.test/w, 10 s ago (2026-03-01T12:00:00.000Z)");
  });

  it("is refused where somebody with the key of the log has forked it, for want of a cosignature", async () => {
    const log = await madeLog({ lines: LINES, form: "bucket" });

    const text = await verdictTextOf(log, { witnesses: [witness] });

    expect(text).toMatch(/^NOT VERIFIED/);
    expect(text).toContain(
      "it is not cosigned by witness.test/w: nobody else vouches that the log only grew",
    );
  });

  it("is refused where a cosignature is for another tree", async () => {
    const cosigners = [{ key: witness, timeS: AT_S }];
    const other = await madeLog({ lines: testLines(599), form: "bucket", cosigners });
    const log = await madeLog({ lines: LINES, form: "bucket", key: other.key });
    const [line = ""] =
      (await read(other.folder, "log/checkpoint")).toString().match(/^— witness.*\n/m) ?? [];
    await put(log.folder, "log/checkpoint", (await read(log.folder, "log/checkpoint")).toString() + line);

    expect(await verdictTextOf(log, { witnesses: [witness] })).toContain("its signature does not hold");
  });

  it("is verified where as many have cosigned as are asked for", async () => {
    const absent = newKey("witness.test/absent", COSIGNATURE_V1);
    const log = await madeLog({ lines: LINES, form: "bucket", cosigners: [{ key: witness, timeS: AT_S }] });
    const witnesses = [witness, absent];

    expect(await verdictOf(log, { witnesses, witnessesRequired: 1 })).toMatchObject({ isVerified: true });
    expect(await verdictOf(log, { witnesses })).toMatchObject({ isVerified: false });
  });

  it("is refused where a fork was cosigned by nobody whom the reader trusts", async () => {
    const folder = await newFolder();
    const stranger = newKey("stranger.test/s", COSIGNATURE_V1);
    const log = await madeLog({
      folder,
      lines: LINES,
      form: "bucket",
      cosigners: [{ key: stranger, timeS: AT_S }],
    });

    expect(await verdictOf(log, { witnesses: [witness] })).toMatchObject({ isVerified: false });
  });
});
