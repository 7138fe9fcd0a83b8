// Groups of messages: what they cost is spread, and a failure is narrowed down to the message that causes it.
import { describe, expect, it } from "vitest";

import { MessageGroups } from "#functions/batch.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

interface Message {
  readonly name: string;
  readonly lines: number;
  readonly bytes: number;
  readonly isSuspect: boolean;
}

function message(name: string, parts: Partial<Message> = {}): Message {
  return { name, lines: 1, bytes: 100, isSuspect: false, ...parts };
}

const suspects = (count: number): readonly Message[] =>
  Array.from({ length: count }, (_, index) => message(`${index}`, { isSuspect: true }));

/** Runs messages through groups whose work fails where `isBad` says so. */
async function run(messages: readonly Message[], isBad: (group: readonly string[]) => boolean, workMs = 0) {
  const time = virtualTime();
  const groups: (readonly string[])[] = [];
  const failed: string[] = [];
  const errors: unknown[] = [];
  const work = new MessageGroups<Message>({
    work: async (group) => {
      const names = group.map(({ name }) => name);
      groups.push(names);
      time.pass(workMs);
      if (isBad(names)) throw new Error("made to fail");
    },
    onFailed: (group, error) => {
      failed.push(...group.map(({ name }) => name));
      errors.push(error);
    },
    monotonicMs: time.monotonicMs,
  });
  for (const each of messages) await work.add(each);
  await work.end();
  return { groups, failed, errors };
}

const never = (): boolean => false;
const always = (): boolean => true;

describe("messages", () => {
  it("are worked off together, in order", async () => {
    const { groups, failed } = await run([message("a"), message("b"), message("c")], never);

    expect(groups).toEqual([["a", "b", "c"]]);
    expect(failed).toEqual([]);
  });

  it("are not worked on where there are none", async () => {
    expect((await run([], always)).groups).toEqual([]);
  });

  it.each([
    ["lines", { lines: 2_000 }],
    ["bytes", { bytes: 13 * 1024 * 1024 }],
  ])("make a new group where the %s of one are full", async (_, parts) => {
    const { groups } = await run(
      ["a", "b", "c", "d", "e"].map((name) => message(name, parts)),
      never,
    );

    expect(groups).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  it("that are larger than a group make one of their own", async () => {
    const { groups } = await run([message("a"), message("b", { lines: 9_000 }), message("c")], never);

    expect(groups).toEqual([["a"], ["b"], ["c"]]);
  });

  it("that failed before are kept apart from the others", async () => {
    const mixed = [message("a"), message("s", { isSuspect: true }), message("b")];

    const { groups, failed } = await run(mixed, (group) => group.includes("s"));

    expect(groups).toEqual([["a", "b"], ["s"]]);
    expect(failed).toEqual(["s"]);
  });
});

describe("a failure", () => {
  it("of fresh messages is of their group alone", async () => {
    const full = ["a", "b", "c", "d", "e"].map((name) => message(name, { lines: 2_000 }));

    const { failed } = await run(full, (group) => group.includes("c"));

    expect(failed).toEqual(["c", "d"]);
  });

  it.each([0, 1, 499, 998, 999])("among suspects is narrowed down to message %i", async (bad) => {
    const { failed, groups } = await run(suspects(1000), (group) => group.includes(`${bad}`));

    expect(failed).toEqual([`${bad}`]);
    expect(groups.length).toBeLessThan(25);
  });

  it("is narrowed down to each of several", async () => {
    const bad = ["3", "4", "700"];

    const { failed } = await run(suspects(1000), (group) => group.some((name) => bad.includes(name)));

    expect(failed).toEqual(bad);
  });

  it("of everything ends the narrowing soon, and nothing counts as done", async () => {
    const all = suspects(1000);

    const { failed, groups, errors } = await run(all, always);

    expect(groups).toHaveLength(20);
    expect(failed).toEqual(all.map(({ name }) => name));
    expect(errors.at(-1)).toBeUndefined();
  });

  it("that takes its time ends the work after half a minute", async () => {
    const full = Array.from({ length: 10 }, (_, index) => message(`${index}`, { lines: 5_000 }));

    const { failed, groups } = await run(full, always, 12_000);

    expect(groups).toHaveLength(3);
    expect(failed).toHaveLength(10);
  });

  it("leaves the others their time where nothing fails", async () => {
    const full = Array.from({ length: 10 }, (_, index) => message(`${index}`, { lines: 5_000 }));

    const { failed, groups } = await run(full, never, 6_000);

    expect(groups).toHaveLength(10);
    expect(failed).toEqual([]);
  });
});

describe("work that takes long", () => {
  it("ends after a minute, so that what is done is acknowledged before the function is cut off", async () => {
    const full = Array.from({ length: 10 }, (_, index) => message(`${index}`, { lines: 5_000 }));

    const { failed, groups, errors } = await run(full, never, 12_000);

    expect(groups).toEqual([["0"], ["1"], ["2"], ["3"], ["4"], ["5"]]);
    expect(failed).toEqual(["6", "7", "8", "9"]);
    expect(errors).toEqual([undefined, undefined, undefined, undefined]);
  });
});
