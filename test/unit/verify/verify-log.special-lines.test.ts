// Lines that stand for others: what a repair has moved aside, what was erased, what was stored twice.
import { describe, expect, it } from "vitest";
import { put, remove, rewrite, testLine, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog, verdictOf, verdictTextOf } from "#test/support/verified-logs.ts";
import { hex } from "#verify/finding.ts";
import { sha256 } from "#verify/native-hash.ts";

const LINES = testLines(600);
const FILE = "audit-0000000000000200.jsonl";
const QUARANTINE = "audit-0000000000000200.damaged-at-310";

function marker(bytes: string, lines: number, file = QUARANTINE): string {
  const sha = hex(sha256(Buffer.from(bytes)));
  return `{"_quarantined":{"bytes":${Buffer.byteLength(bytes)},"file":"${file}","kind":"damaged","lines":${lines},"sha256":"${sha}"},"_v":1}`;
}

/** Moves lines 3 to 5 of a file, leaves 203 to 205, into quarantine. */
async function quarantine(log: MadeLog, bytes: string): Promise<void> {
  await put(log.folder, QUARANTINE, bytes);
  await rewrite(log.folder, FILE, (lines) => lines.toSpliced(3, 3, marker(bytes, 3)));
}

const MOVED = LINES.slice(203, 206)
  .map((line) => `${line}\n`)
  .join("");

describe("lines in quarantine", () => {
  it("verify where they are what was sealed", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await quarantine(log, MOVED);

    const text = await verdictTextOf(log);

    expect(text).toMatch(/^verified/);
    expect(text).toContain("597 checked");
    expect(text).toContain("3 in quarantine, intact");
  });

  it("are refused where they are not what was sealed, with the leaf", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await quarantine(log, MOVED.replace("number 204", "number 404"));

    const text = await verdictTextOf(log);

    expect(text).toContain(`first difference: ${FILE}, line 4, byte`);
    expect(text).toContain(
      `the line of leaf 204 was moved into quarantine, and what lies in ${QUARANTINE} is not the line that was sealed`,
    );
  });

  it("are refused where the file is gone, or was altered since", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await quarantine(log, MOVED);
    await put(log.folder, QUARANTINE, MOVED.replace("number 204", "number 404"));
    const altered = await verdictTextOf(log);
    await remove(log.folder, QUARANTINE);
    const gone = await verdictTextOf(log);

    expect(altered).toContain("the line of leaf 203 was moved into quarantine");
    expect(altered).toContain(`${QUARANTINE} does not hold the bytes that were moved to it`);
    expect(gone).toContain(`${QUARANTINE} is not there`);
  });

  it("are named as lost where the marker stands for none", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await rewrite(log.folder, FILE, (lines) => lines.toSpliced(3, 3, marker("", 3)));

    const text = await verdictTextOf(log);

    expect(text).toContain("the lines of leaves 203 to 205 are lost");
  });

  it("verify where the marker was there before it was sealed", async () => {
    const line = marker("garbage\n", 1);
    const log = await madeLog({ lines: LINES.with(203, line), form: "local" });

    expect(await verdictOf(log)).toMatchObject({ isVerified: true, lines: { checked: 600, quarantined: 0 } });
  });

  it("take no leaf where the marker says none", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await rewrite(log.folder, FILE, (lines) => lines.toSpliced(3, 0, marker("garbage", 0)));

    expect(await verdictOf(log)).toMatchObject({ isVerified: true, lines: { checked: 600 } });
  });

  it("are not read from outside of the folder", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await rewrite(log.folder, FILE, (lines) => lines.with(3, marker("x", 1, "..")));

    expect(await verdictTextOf(log)).toContain("the line of leaf 203 is not the one that was sealed");
  });
});

describe("erased lines", () => {
  const erased = (n: number, entry: string): string =>
    `{"_erased":"${entry}","event_id":"event-${n}","tenant_id":"default"}`;

  it("verify where they have kept the entry, and are counted", async () => {
    const log = await madeLog({ lines: LINES, form: "bucket" });
    const entry = hex(sha256(Buffer.from(LINES[203] ?? "")));
    await rewrite(log.folder, "segments/v1/dt=2026-03-01/hh=12/0000000000000200-100.jsonl.gz", (lines) =>
      lines.with(3, erased(203, entry)),
    );

    const text = await verdictTextOf(log);

    expect(text).toMatch(/^verified/);
    expect(text).toContain("599 checked");
    expect(text).toContain(
      "erased       1 more, of which only hashes are left: who took them away is not shown",
    );
    expect(text).toContain("; the first is leaf 203, line 4 of segments/v1/");
  });

  it("are refused where they name another entry", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await rewrite(log.folder, FILE, (lines) => lines.with(3, erased(203, "0".repeat(64))));

    const text = await verdictTextOf(log);

    expect(text).toContain("leaf 203");
    expect(text).toContain("it was altered");
  });
});

describe("late duplicates", () => {
  it("are counted, with the place of the first, and are no fault", async () => {
    const lines = LINES.with(250, testLine(3000, "event-7")).with(400, testLine(3001, "event-8"));
    const log = await madeLog({ lines, form: "local" });

    const text = await verdictTextOf(log);

    expect(text).toMatch(/^verified/);
    expect(text).toContain(
      `2 lines have the ids of an earlier one; the first is leaf 250, line 51 of ${FILE}`,
    );
  });

  it("are told by the event's own id, not by one within its changes", async () => {
    const changes = `"changes":[{"after":{"event_id":"event-7","level":"INFO"},"path":"/x"}],"event_id"`;
    const lines = LINES.map((line) => line.replace('"event_id"', changes));
    const log = await madeLog({ lines, form: "local" });

    expect(await verdictOf(log)).toMatchObject({ lines: { duplicates: 0 } });
  });

  it("are not seen in other tenants", async () => {
    const lines = LINES.with(250, testLine(3000, "event-7").replace('"default"', '"other"'));
    const log = await madeLog({ lines, form: "local" });

    expect(await verdictOf(log)).toMatchObject({ lines: { duplicates: 0 } });
  });
});
