// Node's Buffer is a Uint8Array whose `slice` does not copy: what a caller gives must stay as it is all the same.
import { expect, it } from "vitest";
import { edgeTiles, tilePath } from "#tlog/tile.ts";
import { appendLeaves, proveConsistency, proveInclusion, rootOfEdge } from "#tlog/tree.ts";

const SIZE = 300;

it("leaves tiles that are Buffers as they are", () => {
  const entries = Buffer.from(Array.from({ length: SIZE * 32 }, (_, index) => (index * 7) % 251));
  const { root, tiles: written } = appendLeaves({
    size: 0n,
    edge: new Map(),
    entries,
    edgeEntries: Buffer.alloc(0),
  });
  const tiles = new Map(written.map(({ tile, bytes }) => [tilePath(tile), Buffer.from(bytes)] as const));
  const before = new Map([...tiles].map(([path, bytes]) => [path, bytes.toString("hex")] as const));

  const size = BigInt(SIZE);
  rootOfEdge(
    size,
    new Map(edgeTiles(size).map((tile) => [tilePath(tile), tiles.get(tilePath(tile)) ?? entries])),
  );
  proveInclusion({ index: 5n, size, root, tiles });
  proveConsistency({ oldSize: 7n, newSize: size, root, tiles });

  expect(new Map([...tiles].map(([path, bytes]) => [path, bytes.toString("hex")]))).toEqual(before);
});
