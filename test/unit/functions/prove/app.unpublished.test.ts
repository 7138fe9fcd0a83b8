// What a seal has stored and not published is not given away: it may be sealed anew, with other lines, and caches keep
// tiles for a year.
import { describe, expect, it } from "vitest";
import { tileKey } from "#service/log-layout.ts";
import { ask, startService } from "#test/support/http-service.ts";
import { PublishedLog } from "#test/support/published-log.ts";

const HASH_BYTES = 32;

/** A log of 300 leaves, with tiles and a bundle of a seal to 700 that was cut off before it was published. */
async function cutSeal() {
  const log = new PublishedLog();
  for (let index = 0; index < 300; index++) log.put({ event_id: `e${index}` });
  log.seal();
  log.store(tileKey("tile/0/001"), Buffer.alloc(HASH_BYTES * 256));
  log.store(tileKey("tile/0/001.p/45"), Buffer.alloc(HASH_BYTES * 45));
  log.store(tileKey("tile/1/000.p/2"), Buffer.alloc(HASH_BYTES * 2));
  const entry = Buffer.concat([Buffer.from([0, HASH_BYTES]), Buffer.alloc(HASH_BYTES)]);
  log.store(tileKey("tile/entries/001"), Buffer.concat(Array.from({ length: 256 }, () => entry)));
  return startService({ log });
}

describe("/log/tile of a seal that is not published", () => {
  it.each(["0/001", "0/001.p/45", "0/001.p/200", "1/000.p/2", "entries/001", "entries/001.p/45"])(
    "is not there: %s",
    async (path) => {
      const { status, headers, json } = await ask(await cutSeal(), `/log/tile/${path}`);

      expect([status, json.code]).toEqual([404, "route-not-found"]);
      expect(json.detail).toBe("no such tile; the log has 300 leaves");
      expect(headers.get("cache-control")).toBe("no-store");
    },
  );

  it.each(["0/001.p/44", "0/001.p/12", "1/000.p/1", "entries/001.p/44"])(
    "leaves what is published: %s",
    async (path) => {
      expect((await ask(await cutSeal(), `/log/tile/${path}`)).status).toBe(200);
    },
  );
});
