/**
 * Clears away what publishing a checkpoint has left: staging objects of earlier seals, and the partial forms of tiles that
 * are full now, which C2SP tlog-tiles allows from then on.
 */
import { STAGING_PREFIX, tileKey } from "#service/log-layout.ts";
import type { LogLedger, LogStore } from "#service/log-ports.ts";
import type { TileId } from "#tlog/tile.ts";
import { TILE_WIDTH, tilePath } from "#tlog/tile.ts";

export interface SealedParts {
  readonly store: LogStore;
  readonly ledger: LogLedger;
}

interface Growth {
  readonly oldSize: number;
  readonly newSize: number;
}

/** As `stagingKey` writes it. */
const STAGING_KEY = /^staging\/(\d{16})-(\d{16})-/;

/** To be called once the head is published. The staging object of the head itself stays: it is what can be replayed. */
export async function tidySealed({ store, ledger }: SealedParts): Promise<void> {
  const head = await ledger.readHead();
  if (head?.staging === undefined) return;
  const sealed = growthOf(head.staging);
  if (sealed === undefined) return;
  const outlived: string[] = [];
  for await (const { key } of store.list(STAGING_PREFIX)) {
    const growth = growthOf(key);
    if (growth === undefined || key === head.staging || growth.newSize > sealed.newSize) continue;
    await removePartials(store, growth);
    outlived.push(key);
  }
  await removePartials(store, sealed);
  await store.remove(outlived);
}

function growthOf(stagingKey: string): Growth | undefined {
  const match = STAGING_KEY.exec(stagingKey);
  return match === null ? undefined : { oldSize: Number(match[1]), newSize: Number(match[2]) };
}

/** Only tiles that were partial at the old size can have partial forms. */
async function removePartials(store: LogStore, { oldSize, newSize }: Growth): Promise<void> {
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
