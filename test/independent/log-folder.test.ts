// Logs that the tlog library writes are accepted by Go's checksum database code, proofs and growth too; altered ones are not.
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { concatBytes } from "#tlog/bytes.ts";
import { formatCheckpoint } from "#tlog/checkpoint.ts";
import { formatNote, formatVerifierKey } from "#tlog/note.ts";
import { formatTlogProof } from "#tlog/tlog-proof.ts";
import { proveInclusion } from "#tlog/tree.ts";
import { newFolder, rewrite } from "#test/support/folders.ts";
import { logcheckMissing, setUpLogcheck } from "#test/support/logcheck.ts";
import { NODE_HASHER, TileLog } from "#test/support/tile-log.ts";
import { testCosigner, testSigner } from "#test/support/tlog-keys.ts";

const SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_001];
const ORIGIN = "log.example/independent";
const signer = testSigner(ORIGIN, 1);
const cosigner = testCosigner(`${ORIGIN}/freshness`, 2);
const key = formatVerifierKey(signer.key);
const MISSING = logcheckMissing();

const lineOf = (index: number): string => `{"event":${index}}`;
const entriesOf = (from: number, end: number): Uint8Array =>
  concatBytes(
    Array.from({ length: end - from }, (_, at) =>
      createHash("sha256")
        .update(lineOf(from + at))
        .digest(),
    ),
  );

interface WrittenLog {
  readonly log: string;
  readonly key: string;
  /** Checkpoint of a smaller size. */
  readonly old: string;
  readonly proofs: string;
}

function checkpointOf({ size, root }: TileLog): string {
  const body = formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] });
  return formatNote({ body, signatures: [signer.sign(body), cosigner.cosign(body, 1_700_000_000n)] });
}

/** Grows in two steps; the checkpoint between them is kept beside. Proves three leaves, where there are any. */
async function writtenLog(size: number): Promise<WrittenLog> {
  const folder = await newFolder();
  const paths = { log: join(folder, "log"), old: join(folder, "old"), proofs: join(folder, "proofs") };
  const grown = new TileLog();
  grown.append(entriesOf(0, Math.floor(size / 3)));
  await mkdir(paths.log);
  await mkdir(paths.proofs);
  await writeFile(paths.old, checkpointOf(grown));
  grown.append(entriesOf(Math.floor(size / 3), size));
  for (const [path, bytes] of grown.tiles) {
    await mkdir(dirname(join(paths.log, path)), { recursive: true });
    await writeFile(join(paths.log, path), bytes);
  }
  const checkpoint = checkpointOf(grown);
  await writeFile(join(paths.log, "checkpoint"), checkpoint);
  for (const index of new Set(size === 0 ? [] : [0, Math.floor(size / 2), size - 1])) {
    const claim = { index: BigInt(index), size: grown.size, root: grown.root, tiles: grown.tiles };
    const hashes = proveInclusion(claim, NODE_HASHER);
    await writeFile(
      join(paths.proofs, `${index}.tlog-proof`),
      formatTlogProof({ ...claim, hashes, checkpoint }),
    );
    await writeFile(join(paths.proofs, `${index}.line`), lineOf(index));
  }
  return { ...paths, key };
}

describe.skipIf(MISSING !== undefined)(`Go's sumdb${MISSING === undefined ? "" : ` (${MISSING})`}`, () => {
  const logcheck = setUpLogcheck();

  it.each(SIZES.slice(1))("accepts a log of %d leaves, its proofs and its growth", async (size) => {
    const written = await writtenLog(size);

    const { status, output } = await logcheck(written);

    expect(output).toContain(`rebuild: ${size} entries give the root`);
    expect(output).toContain(`consistency: ${Math.floor(size / 3)} leaves are the beginning of ${size}`);
    expect(output).toMatch(/proofs: [123] of the service hold/);
    expect({ status, last: output.trimEnd().split("\n").at(-1) }).toEqual({ status: 0, last: "VERIFIED" });
  });

  it("accepts a log without leaves", async () => {
    const { log, old } = await writtenLog(0);

    expect(await logcheck({ log, old, key })).toMatchObject({ status: 0 });
  });

  it.each<[string, string, (bytes: Buffer) => void, RegExp]>([
    ["an entry", "tile/entries/001", flip(100), /rebuild: the bundles give root/],
    ["an entry of the last bundle", "tile/entries/002.p/88", flip(100), /rebuild: the bundles give root/],
    ["the length of an entry", "tile/entries/000", flip(1), /tile\/entries\/000 does not hold 256 entries/],
    ["a tile of level 0", "tile/0/001", flip(0), /tile\/0\/001 differs from the rebuilt tree/],
    ["the last tile of level 0", "tile/0/002.p/88", flip(0), /tile\/0\/002.p\/88 differs/],
    ["a tile of level 1", "tile/1/000.p/2", flip(40), /tile\/1\/000.p\/2 differs/],
    ["the size in the checkpoint", "checkpoint", flip(ORIGIN.length + 1), /checkpoint: invalid signature/],
  ])("refuses a log with another byte in %s", async (_name, path, change, reason) => {
    const { log } = await writtenLog(600);
    await rewrite(join(log, path), (bytes) => {
      change(bytes);
      return bytes;
    });

    expect(await logcheck({ log, key })).toEqual({ status: 1, output: expect.stringMatching(reason) });
  });

  it("refuses a log without one of its tiles", async () => {
    const { log } = await writtenLog(600);
    await rm(join(log, "tile/0/001"));

    expect(await logcheck({ log, key })).toEqual({
      status: 1,
      output: expect.stringContaining("tile/0/001"),
    });
  });

  it("refuses a proof for another line, and growth from a fork", async () => {
    const written = await writtenLog(600);
    const fork = new TileLog();
    fork.append(entriesOf(1, 200));
    const forked = { ...written, old: join(written.proofs, "fork") };
    await writeFile(forked.old, checkpointOf(fork));

    const beforeLine = await logcheck(written);
    await writeFile(join(written.proofs, "300.line"), lineOf(301));

    expect(beforeLine.status).toBe(0);
    expect(await logcheck(written)).toEqual({ status: 1, output: expect.stringMatching(/300.tlog-proof: /) });
    expect(await logcheck(forked)).toEqual({
      status: 1,
      output: expect.stringMatching(/the first 199 leaves/),
    });
  });

  it("refuses a log signed by another key", async () => {
    const { log } = await writtenLog(3);
    const other = formatVerifierKey(testSigner(ORIGIN, 9).key);

    expect(await logcheck({ log, key: other })).toEqual({
      status: 1,
      output: expect.stringContaining("checkpoint: note has no verifiable signatures"),
    });
  });
});

function flip(at: number): (bytes: Buffer) => void {
  return (bytes) => {
    bytes[at]! ^= 1;
  };
}
