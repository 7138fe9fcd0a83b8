// Late duplicates are found by hashes: exactly, in any order, with room for as many lines as were announced.
import { describe, expect, it } from "vitest";
import { testLine } from "#test/support/tampered-logs.ts";
import { createLateDuplicates } from "#verify/late-duplicates.ts";

const COUNT = 20_000;

function added(
  lines: readonly string[],
  room = lines.length,
): { readonly found: readonly number[]; readonly isFull: boolean } {
  const duplicates = createLateDuplicates(room);
  const found = lines.flatMap((line, n) => {
    const bytes = Buffer.from(`before\n${line}\nbehind`);
    return duplicates.add(bytes, 7, 7 + Buffer.byteLength(line)) ? [n] : [];
  });
  return { found, isFull: duplicates.isFull() };
}

describe("late duplicates", () => {
  it("are all found, and nothing else, among many lines", () => {
    const lines = Array.from({ length: COUNT }, (_, n) => testLine(n));

    const { found, isFull } = added([
      ...lines,
      testLine(COUNT, "event-1"),
      testLine(COUNT, `event-${COUNT - 1}`),
    ]);

    expect([found, isFull]).toEqual([[COUNT, COUNT + 1], false]);
  });

  it("are no longer looked for where there is no room, which is said", () => {
    const lines = Array.from({ length: 2000 }, (_, n) => testLine(n));

    const { found, isFull } = added([...lines, testLine(0)], 1);

    expect([found, isFull]).toEqual([[], true]);
  });

  it.each([
    ["a line of something else", "{}"],
    ["an event without a tenant", '{"event_id":"event-1"}'],
    ["an empty line", ""],
  ])("are not %s", (_, line) => {
    expect(added([line, line]).found).toEqual([]);
  });

  it.each([
    ["without ids", "x"],
    ["without a tenant", '{"event_id":"a"}'],
  ])("take no longer to look for where a block holds many lines %s", (_, line) => {
    const count = 300_000;
    const block = Buffer.from(`${line}\n`.repeat(count));
    const duplicates = createLateDuplicates(count);

    let found = 0;
    for (let at = 0; at < block.length; at += line.length + 1) {
      if (duplicates.add(block, at, at + line.length)) found++;
    }

    expect(found).toBe(0);
  });

  it("are told apart by every byte of their ids", () => {
    const ids = ["a", "ab", "abc", "abcd", "abcde", "abcdd", "bbcde", "abcdefgh", "abcdefgi", "abcdeffh"];
    const lines = ids.map((id) => testLine(1, id));

    expect(added(lines).found).toEqual([]);
    expect(added([...lines, ...lines]).found).toHaveLength(ids.length);
  });
});
