// Items of the events table: golden vectors of layout version 1, and what an older reader makes of a newer item.
import { readFileSync } from "node:fs";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";

import type { Item } from "#adapters/aws/event-item.ts";
import { readFoundLine, readPlace, toItem, toUnindexedItem } from "#adapters/aws/event-item.ts";
import { ITEM } from "#adapters/aws/keys.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import { readEvent } from "#event/stored-line.ts";
import { parseInstant } from "#lib/instant.ts";
import type { FoundLine, TableEntry } from "#service/ports.ts";
import { accepted } from "#test/support/event-fixtures.ts";

interface Vector {
  readonly name: string;
  readonly entry: { readonly batch_id: string; readonly line: number; readonly event_id: string };
  readonly text: string;
  readonly content_hash: string;
  /** Attributes by name; bytes as lower-case hex. */
  readonly item: Readonly<Record<string, { readonly S?: string; readonly N?: string; readonly B?: string }>>;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/event-item-v1.json", import.meta.url), "utf8"),
) as readonly Vector[];

const SETTINGS = { epoch: FIRST_EPOCH, retentionDays: 90 };
const BATCH_ID = "01959123-4567-7abc-8def-0123456789ab";

function entryOf({ entry, text, content_hash: contentHash }: Vector): TableEntry {
  const event = readEvent(text);
  const instant = parseInstant(event.timestamp);
  if (typeof instant === "string") throw new Error(instant);
  const { batch_id: batchId, line, event_id: eventId } = entry;
  return { batchId, line, eventId, prepared: { text, contentHash, event, instant } };
}

function itemOf(vector: Vector): Item {
  const attributes = Object.entries(vector.item).map(([name, { B: hex, ...other }]) => {
    return [name, hex === undefined ? other : { B: Buffer.from(hex, "hex") }] as const;
  });
  return Object.fromEntries(attributes) as Item;
}

/** The line as a reader gets it: under a derived id it says so. */
function foundOf({ text, entry: { event_id: id } }: Vector): FoundLine {
  return id.includes("!") ? { text, derivedId: id } : { text };
}

function inHex(item: Item): Readonly<Record<string, unknown>> {
  const hex = ({ B: bytes, ...other }: AttributeValue): unknown =>
    bytes === undefined ? other : { B: Buffer.from(bytes).toString("hex") };
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, hex(value)]));
}

describe("an item of layout version 1", () => {
  it.each(vectors)("is written as the vector $name says, whose body may be packed otherwise", (vector) => {
    const { [ITEM.body]: body, ...written } = toItem(entryOf(vector), SETTINGS);

    const { [ITEM.body]: _, ...expected } = vector.item;
    expect(inHex(written)).toEqual(expected);
    expect(readFoundLine({ ...itemOf(vector), [ITEM.body]: body! })).toEqual(foundOf(vector));
  });

  it.each(vectors)("is read from the vector $name", (vector) => {
    const { batch_id: batchId, line } = vector.entry;

    expect(readFoundLine(itemOf(vector))).toEqual(foundOf(vector));
    expect(readPlace(itemOf(vector))).toEqual({
      at: { batchId, line },
      contentHash: vector.content_hash,
      isIndexed: true,
    });
  });
});

describe("an item", () => {
  const entry: TableEntry = {
    batchId: BATCH_ID,
    line: 7,
    eventId: "one",
    prepared: accepted({ event_id: "one", user_id: "ann", resource_id: "/a" }),
  };

  it("without index keys is shown by no index, and says so", () => {
    const item = toUnindexedItem(entry, SETTINGS);

    const { sort, timeline, user, resource } = ITEM;
    expect(Object.keys(item)).not.toEqual(expect.arrayContaining([sort]));
    expect([sort, timeline, user, resource].filter((name) => name in item)).toEqual([]);
    expect(readPlace(item).isIndexed).toBe(false);
  });

  it("of an event without user and resource has no key for their indexes", () => {
    const item = toItem({ ...entry, prepared: accepted({ event_id: "one" }) }, SETTINGS);

    expect(Object.keys(item)).not.toContain(ITEM.user);
    expect(Object.keys(item)).not.toContain(ITEM.resource);
    expect(Object.keys(item)).toContain(ITEM.timeline);
  });

  it("expires by received_at, also where metadata has a member of that name", () => {
    const prepared = accepted({
      event_id: "one",
      metadata: { a: 1, received_at: "1999-01-01T00:00:00.000Z" },
    });

    const expiryS = Date.parse("2026-03-01T12:00:00.000Z") / 1000 + 90 * 86_400;
    expect(toItem({ ...entry, prepared }, SETTINGS)[ITEM.expiry]).toEqual({ N: String(expiryS) });
  });

  it("tells its conflicts in order", () => {
    const item = { ...toItem(entry, SETTINGS), [ITEM.conflicts]: { SS: ["one!b", "one!a"] } };

    expect(readFoundLine(item).conflicts).toEqual(["one!a", "one!b"]);
  });

  it("of a newer version is refused by its number, while its place is still read", () => {
    const item = {
      ...toItem(entry, SETTINGS),
      [ITEM.version]: { N: "2" },
      [ITEM.body]: { B: Buffer.from([9]) },
    };

    expect(() => readFoundLine(item)).toThrow(/item default#one is of version 2; .* reads 1/);
    expect(readPlace(item)).toMatchObject({ at: { batchId: BATCH_ID, line: 7 }, isIndexed: true });
  });

  it.each([ITEM.batch, ITEM.line, ITEM.contentHash])("without %s is refused, not guessed at", (name) => {
    const { [name]: _, ...item } = toItem(entry, SETTINGS);

    expect(() => readPlace(item)).toThrow(/item default#one lacks attributes/);
  });

  it("without a body is refused", () => {
    const { [ITEM.body]: _, ...item } = toItem(entry, SETTINGS);

    expect(() => readFoundLine(item)).toThrow(/lacks attributes/);
  });
});
