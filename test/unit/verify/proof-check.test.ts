// One proof, one line, one key: what holds is proven, whatever was altered is refused with the reason.
import { describe, expect, it } from "vitest";
import { decodeLine } from "#event/stored-line.ts";
import { COSIGNATURE_V1 } from "#tlog/note.ts";
import { tilePath, tilesOfSize } from "#tlog/tile.ts";
import { formatTlogProof } from "#tlog/tlog-proof.ts";
import { proveInclusion } from "#tlog/tree.ts";
import { newKey, ORIGIN, read, testLine, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";
import { checkCheckpoint } from "#verify/checkpoint-check.ts";
import { readKeys } from "#verify/keys.ts";
import type { ProofVerdict } from "#verify/proof-check.ts";
import { checkProof } from "#verify/proof-check.ts";

const SIZE = 600;
const LINES = testLines(SIZE);

/** The proof of a leaf, from the files of a log. */
async function proofOf({ folder, key }: MadeLog, leaf: number): Promise<string> {
  const checkpoint = (await read(folder, "log/checkpoint")).toString();
  const checked = checkCheckpoint(checkpoint, readKeys([key.vkey]), "log/checkpoint");
  const root = checked.kind === "signed" ? checked.checkpoint.root : Buffer.alloc(32);
  const tiles = new Map<string, Uint8Array>();
  for (const tile of tilesOfSize(BigInt(SIZE)))
    tiles.set(tilePath(tile), await read(folder, `log/${tilePath(tile)}`));
  const index = BigInt(leaf);
  return formatTlogProof({
    index,
    hashes: proveInclusion({ index, size: BigInt(SIZE), root, tiles }),
    checkpoint,
  });
}

function check(vkey: string, proof: string, line: string): ProofVerdict {
  return checkProof({
    object: "it",
    proof,
    line: Buffer.from(line),
    keys: readKeys([vkey]),
    witnessesRequired: 0,
  });
}

describe("a proof", () => {
  it.each([0, 255, 256, 511, 512, 599])(
    "holds for leaf %i and its line, and for no other line",
    async (leaf) => {
      const log = await madeLog({ lines: LINES, form: "local" });
      const proof = await proofOf(log, leaf);

      expect(check(log.key.vkey, proof, LINES[leaf] ?? "")).toMatchObject({ kind: "proven", leaf });
      expect(check(log.key.vkey, proof, testLine(1000))).toMatchObject({
        kind: "refused",
        finding: {
          leaf,
          meaning: expect.stringContaining(`is not what was sealed as leaf ${leaf}`) as string,
        },
      });
    },
  );

  it("is refused where its index, a hash or its checkpoint was altered", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const proof = await proofOf(log, 300);
    const hash = proof.split("\n")[3] ?? "";
    const other = `${hash.startsWith("A") ? "B" : "A"}${hash.slice(1)}`;
    const refused = [
      proof.replace("index 300", "index 301"),
      proof.replace(hash, other),
      proof.replace("\n600\n", "\n601\n"),
      proof.replace("tlog-proof@v1", "tlog-proof@v2"),
      "",
    ].map((altered) => check(log.key.vkey, altered, LINES[300] ?? "").kind);

    expect(refused).toEqual(["refused", "refused", "refused", "refused", "refused"]);
  });

  it("is held against the receipt of the sender", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const proof = await proofOf(log, 300);
    const line = LINES[300] ?? "";
    const contentHash = decodeLine(line).contentHash;
    const claim = {
      object: "it",
      proof,
      line: Buffer.from(line),
      keys: readKeys([log.key.vkey]),
      witnessesRequired: 0,
    };

    expect(checkProof({ ...claim, contentHash })).toMatchObject({ kind: "proven", contentHash });
    expect(checkProof({ ...claim, contentHash: "0".repeat(64) })).toMatchObject({
      kind: "refused",
      finding: {
        leaf: 300,
        expected: "0".repeat(64),
        found: contentHash,
        meaning: expect.stringContaining("receipt") as string,
      },
    });
  });

  it("of what is no event is held against no receipt", async () => {
    const lines = LINES.with(7, "no event");
    const log = await madeLog({ lines, form: "local" });
    const proof = await proofOf(log, 7);
    const claim = {
      object: "it",
      proof,
      line: Buffer.from("no event"),
      keys: readKeys([log.key.vkey]),
      witnessesRequired: 0,
    };

    expect(checkProof(claim).kind).toBe("proven");
    expect(checkProof({ ...claim, contentHash: "0".repeat(64) })).toMatchObject({
      finding: { found: "no stored event" },
    });
  });

  it("is refused with another key, and without the witness that is asked for", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const proof = await proofOf(log, 300);
    const witness = newKey("witness.test/w", COSIGNATURE_V1);
    const keys = readKeys([log.key.vkey], [witness.vkey]);

    const unwitnessed = checkProof({
      object: "it",
      proof,
      line: Buffer.from(LINES[300] ?? ""),
      keys,
      witnessesRequired: 1,
    });

    expect(check(newKey(ORIGIN).vkey, proof, LINES[300] ?? "")).toMatchObject({
      finding: { kind: "signature" },
    });
    expect(unwitnessed).toMatchObject({ kind: "refused", finding: { kind: "witness" } });
  });
});
