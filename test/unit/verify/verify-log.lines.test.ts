// Lines and segments that were altered, taken out, put in or moved are refused, and named where they stand.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  flip,
  put,
  read,
  remove,
  rewrite,
  segmentKey,
  swap,
  testLine,
  testLines,
} from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog, verdictOf, verdictTextOf } from "#test/support/verified-logs.ts";
import { sha256 } from "#verify/native-hash.ts";
import { hex } from "#verify/finding.ts";

const LINES = testLines(1000);
const bucket = (): Promise<MadeLog> => madeLog({ lines: LINES, form: "bucket" });
const local = (): Promise<MadeLog> => madeLog({ lines: LINES, form: "local" });
const SECOND_FILE = "audit-0000000000000100.jsonl";

describe("lines of a log", () => {
  it.each([bucket, local])("verify while nothing is altered", async (make) => {
    const text = await verdictTextOf(await make());

    expect(text).toMatch(/^verified: log\.test\/1, 1,000 leaves\n/);
    expect(text).toMatch(/lines +1,000 checked/);
  });

  it("are counted where they are not sealed yet", async () => {
    const log = await madeLog({ lines: LINES, form: "local", size: 950 });

    expect(await verdictOf(log)).toMatchObject({ isVerified: true, lines: { checked: 950, unsealed: 50 } });
  });

  it("are refused where a byte of one was altered, with its place", async () => {
    const log = await local();
    const at = LINES.slice(100, 150).join("\n").length + 1;
    await flip(log.folder, SECOND_FILE, at + 150);

    const text = await verdictTextOf(log);

    expect(text).toMatch(/^NOT VERIFIED/);
    expect(text).toContain(
      `first difference: ${SECOND_FILE}, line 51, byte ${at.toLocaleString("en-US")}, leaf 150\n`,
    );
    expect(text).toContain("the line of leaf 150 is not the one that was sealed: it was altered");
    expect(text).toContain(`expected  a line with SHA-256 ${hex(sha256(Buffer.from(LINES[150] ?? "")))}`);
  });

  it("are refused where one in a segment was altered", async () => {
    const log = await bucket();
    await rewrite(log.folder, segmentKey(300, 100), (lines) => lines.with(7, testLine(9999)));

    const text = await verdictTextOf(log);

    expect(text).toMatch(
      /first difference: segments\/v1\/\S+300-100\.jsonl\.gz, line 8, byte [\d,]+, leaf 307\n/,
    );
    expect(text).toContain("it was altered");
  });

  it("are refused where a byte of a compressed segment was altered", async () => {
    const log = await bucket();
    await flip(log.folder, segmentKey(300, 100), 200);

    const { isVerified, findings } = await verdictOf(log);

    expect(isVerified).toBe(false);
    expect(findings[0]).toMatchObject({ object: segmentKey(300, 100), leaf: expect.any(Number) as number });
    expect(findings[0]?.leaf).toBeGreaterThanOrEqual(300);
    expect(findings[0]?.leaf).toBeLessThan(400);
  });

  it.each([
    ["a line was deleted", (lines: string[]) => lines.toSpliced(20, 1), "the line of leaf 120 was deleted"],
    [
      "lines were exchanged",
      (lines: string[]) => [...lines.slice(0, 20), ...lines.slice(20, 22).reverse(), ...lines.slice(22)],
      "reordered",
    ],
    [
      "a line was put in",
      (lines: string[]) => lines.toSpliced(20, 0, testLine(5555)),
      "a line that never was sealed was put in before it",
    ],
  ])("are refused where %s, and it is said", async (_, change, meaning) => {
    const log = await local();
    await rewrite(log.folder, SECOND_FILE, change);

    const text = await verdictTextOf(log);

    expect(text).toContain(`${SECOND_FILE}, line 21, byte`);
    expect(text).toContain("leaf 120");
    expect(text).toContain(meaning);
  });

  it("are refused where a file was deleted", async () => {
    const log = await local();
    await remove(log.folder, SECOND_FILE);

    const text = await verdictTextOf(log);

    expect(text).toContain(
      "lines of leaves 100 to 199 were sealed and are not there: a file was deleted or cut",
    );
    expect(text).toContain(
      "audit-0000000000000000.jsonl ends before them and audit-0000000000000200.jsonl begins behind them",
    );
  });

  it("are refused where a segment was deleted", async () => {
    const log = await bucket();
    await remove(log.folder, segmentKey(0, 100));

    const text = await verdictTextOf(log);

    expect(text).toContain("lines of leaves 0 to 99 were sealed and are not there");
  });

  it("are refused where the last segment was deleted", async () => {
    const log = await bucket();
    await remove(log.folder, segmentKey(900, 100));

    const text = await verdictTextOf(log);

    expect(text).toContain(
      "the end of the log was cut off: lines of leaves 900 to 999 were sealed and are not there",
    );
  });

  it("are refused where the end of the live file was cut", async () => {
    const log = await local();
    await rewrite(log.folder, "audit.jsonl", (lines) => lines.slice(0, 60));

    const text = await verdictTextOf(log);

    expect(text).toContain("first difference: audit.jsonl, leaves 960 to 999\n");
    expect(text).toContain("the end of the log was cut off");
  });

  it("are refused where a file was cut in the middle of a line", async () => {
    const log = await local();
    const bytes = await read(log.folder, SECOND_FILE);
    await put(log.folder, SECOND_FILE, bytes.subarray(0, bytes.length - 10));

    const text = await verdictTextOf(log);

    expect(text).toContain(`first difference: ${SECOND_FILE}, line 100, leaf 199\n`);
    expect(text).toContain("the file ends in the middle of the line of leaf 199: it was cut");
  });

  it("are refused where a segment holds fewer lines than its name says", async () => {
    const log = await bucket();
    await rewrite(log.folder, segmentKey(300, 100), (lines) => lines.slice(0, 90));

    const text = await verdictTextOf(log);

    expect(text).toContain("the file was cut: lines of leaves 390 to 399 are missing");
    expect(text).toContain("found     90 lines");
  });

  it("are refused where segments were exchanged", async () => {
    const log = await bucket();
    await swap(log.folder, segmentKey(300, 100), segmentKey(500, 100));

    const text = await verdictTextOf(log);

    expect(text).toContain("leaf 300");
    expect(text).toContain("the line that stands in the place of leaf 300 was sealed as leaf 500");
  });

  it("are refused where two segments hold the same leaves", async () => {
    const log = await bucket();
    await put(
      log.folder,
      segmentKey(350, 50),
      gzipSync(
        LINES.slice(350, 400)
          .map((line) => `${line}\n`)
          .join(""),
      ),
    );

    const { findings } = await verdictOf(log);

    expect(findings).toContainEqual(expect.objectContaining({ kind: "lines-overlap", leaves: [350, 400] }));
  });

  it("are refused where a manifest names other leaves", async () => {
    const log = await bucket();
    await put(
      log.folder,
      "manifests/0000000000000400.json",
      (await read(log.folder, "manifests/0000000000000400.json"))
        .toString()
        .replace('"count":100', '"count":99'),
    );

    const text = await verdictTextOf(log);

    expect(text).toContain("first difference: manifests/0000000000000400.json\n");
    expect(text).toContain("it says 99 lines from leaf 300 on");
  });
});
