/** Clears away the partial forms of tiles that are full now, which C2SP tlog-tiles allows from then on. */
import { tileKey } from "#service/log-layout.ts";
import type { LogStore } from "#service/log-ports.ts";
import type { TileId } from "#tlog/tile.ts";
import { TILE_WIDTH, tilePath } from "#tlog/tile.ts";

/** From which size to which a seal brought the log. */
export interface Growth {
  readonly oldSize: number;
  readonly newSize: number;
}

/** To be called once the new size is published. Only tiles that were partial at the old size can have partial forms. */
export async function removePartials(store: LogStore, { oldSize, newSize }: Growth): Promise<void> {
  let [before, after] = [oldSize, newSize];
  for (let level = 0; before > 0; level++) {
    const place = Math.floor(before / TILE_WIDTH);
    const isFull = before % TILE_WIDTH > 0 && place < Math.floor(after / TILE_WIDTH);
    if (isFull) await removePartialsOf(store, { level, index: BigInt(place), width: TILE_WIDTH });
    if (isFull && level === 0)
      await removePartialsOf(store, { level: "entries", index: BigInt(place), width: TILE_WIDTH });
    [before, after] = [place, Math.floor(after / TILE_WIDTH)];
  }
}

async function removePartialsOf(store: LogStore, full: TileId): Promise<void> {
  const key = tileKey(tilePath(full));
  if ((await store.get(key)) === undefined) return;
  const partials: string[] = [];
  for await (const partial of store.list(`${key}.p/`)) partials.push(partial.key);
  await store.remove(partials);
}
