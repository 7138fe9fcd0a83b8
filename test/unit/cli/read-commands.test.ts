// auditlog query, get, export and health, on a log in memory.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";

describe("auditlog query", () => {
  const sendAll = async (harness: ReturnType<typeof createCliHarness>, count: number): Promise<void> => {
    const lines = Array.from({ length: count }, (_, n) =>
      JSON.stringify({
        event_id: `e-${String(n).padStart(5, "0")}`,
        action: n % 2 === 0 ? "even" : "odd",
        service_name: "s",
        user_id: `u${n % 3}`,
        timestamp: new Date(n * 1000).toISOString(),
      }),
    );
    await harness.run(["send"], `${lines.join("\n")}\n`);
  };
  const ids = (stdout: string): string[] =>
    stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event_id: string }).event_id);

  it("prints a table, newest first", async () => {
    const harness = createCliHarness();
    await sendAll(harness, 2);

    const { stdout } = await harness.run(["query"]);

    expect(stdout).toBe(
      [
        "TIME                      LEVEL  SERVICE  ACTION  USER  RESOURCE  MESSAGE",
        "1970-01-01T00:00:01.000Z  INFO   s        odd     u1",
        "1970-01-01T00:00:00.000Z  INFO   s        even    u0",
        "",
      ].join("\n"),
    );
  });

  it("prints lines of JSON that carry the whole event", async () => {
    const harness = createCliHarness();
    await sendAll(harness, 1);

    const { stdout } = await harness.run(["query", "--json"]);

    expect(JSON.parse(stdout)).toMatchObject({ event_id: "e-00000", level: "INFO", metadata: {} });
  });

  it("prints 100 by default, --limit as many as asked, --all every one, over all pages", async () => {
    const harness = createCliHarness();
    await sendAll(harness, 2500);

    const some = await harness.run(["query", "--json"]);
    const many = await harness.run(["query", "--json", "--limit", "1500", "--oldest-first"]);
    const all = await harness.run(["query", "--json", "--all"]);

    expect(ids(some.stdout)).toHaveLength(100);
    expect(ids(many.stdout)).toHaveLength(1500);
    expect(ids(many.stdout)[0]).toBe("e-00000");
    expect(new Set(ids(all.stdout)).size).toBe(2500);
  });

  it("takes every filter", async () => {
    const harness = createCliHarness();
    await sendAll(harness, 12);

    const { stdout } = await harness.run([
      "query",
      "--json",
      "--user",
      "u0",
      "--user",
      "u1",
      "--action",
      "even",
      "--service",
      "s",
      "--level",
      "info",
      "--category",
      "system_event",
      "--since",
      "1970-01-01T00:00:02Z",
      "--until",
      "1970-01-01T00:00:10Z",
    ]);

    expect(ids(stdout)).toEqual(["e-00010", "e-00006", "e-00004"]);
  });

  it("takes dates and ages as times", async () => {
    const harness = createCliHarness({ nowMs: () => 10_000 });
    await sendAll(harness, 12);

    const day = await harness.run(["query", "--json", "--since", "1970-01-01", "--until", "1970-01-01"]);
    const age = await harness.run(["query", "--json", "--since", "3s"]);

    expect(ids(day.stdout)).toHaveLength(12);
    expect(ids(age.stdout)).toEqual(["e-00011", "e-00010", "e-00009", "e-00008", "e-00007"]);
  });

  it("says what is wrong with a filter", async () => {
    const { code, stderr } = await createCliHarness().run(["query", "--since", "yesterday"]);

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: .*start_time is not an RFC 3339 date-time/);
  });

  it("fits the table to the terminal, colours levels there, and says that there is more", async () => {
    const harness = createCliHarness({ columns: 70, hasColor: true });
    await harness.run([
      "send",
      "--action",
      "x".repeat(200),
      "--level",
      "error",
      "--message",
      "m".repeat(300),
    ]);
    await harness.run(["send", "--action", "y", "--timestamp", "1970-01-01T00:00:00Z"]);

    const { stdout, stderr } = await harness.run(["query", "--limit", "1"]);

    const widths = stdout.split("\n").map((line) => stripVTControlCharacters(line).length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(70);
    expect(stdout).toContain("\u001b[31mERROR\u001b[0m");
    expect(stderr).toContain("--all");
  });

  it("lets no event drive the terminal", async () => {
    const harness = createCliHarness({ columns: 200 });
    await harness.run(["send", "--action", "a\u001b[2J\nb", "--message", "\u009b31m\u202eevil"]);

    const table = await harness.run(["query"]);
    const json = await harness.run(["query", "--json"]);

    for (const { stdout } of [table, json]) {
      expect(stdout.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    }
    expect(table.stdout.split("\n")).toHaveLength(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ action: "a\u001b[2J\nb" });
  });

  it("explains on standard error", async () => {
    const { stderr } = await createCliHarness().run(["query", "--user", "u", "--explain"]);

    expect(JSON.parse(stderr)).toMatchObject({ access_path: "user" });
  });
});

describe("auditlog get, export and health", () => {
  it("fails for an event that is not there", async () => {
    expect(await createCliHarness().run(["get", "nope"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "auditlog: no event has the id nope\n",
    });
  });

  it("prints an event on one line where asked", async () => {
    const harness = createCliHarness();
    await harness.run(["send", "--action", "a", "--id", "e"]);

    const pretty = await harness.run(["get", "e"]);
    const line = await harness.run(["get", "e", "--json"]);

    expect(pretty.stdout.trim().split("\n").length).toBeGreaterThan(5);
    expect(line.stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(line.stdout)).toEqual(JSON.parse(pretty.stdout));
  });

  it("exports what matches to standard output or a new file", async () => {
    const harness = createCliHarness();
    await harness.run(["send", "--action", "a", "--id", "one"]);
    await harness.run(["send", "--action", "b", "--id", "two"]);
    const path = join(await newFolder(), "out.csv");

    const jsonl = await harness.run(["export", "--action", "b"]);
    const csv = await harness.run(["export", "--format", "csv", "-o", path]);
    const again = await harness.run(["export", "-o", path]);

    expect(JSON.parse(jsonl.stdout)).toMatchObject({ event_id: "two" });
    expect(csv).toEqual({ code: 0, stdout: "", stderr: "" });
    expect((await readFile(path, "utf8")).trim().split(/\r?\n/)).toHaveLength(3);
    expect(again).toMatchObject({
      code: 1,
      stderr: `auditlog: ${path} exists already and is not overwritten\n`,
    });
  });

  it("says how the log is, and fails where it takes no events", async () => {
    const harness = createCliHarness();

    const healthy = await harness.run(["health"]);
    harness.store.health = { status: "unhealthy", problems: ["the disk is full"], details: {} };
    const unhealthy = await harness.run(["health"]);
    const json = await harness.run(["health", "--json"]);

    expect(healthy).toMatchObject({ code: 0, stdout: expect.stringMatching(/^healthy\n/) });
    expect(unhealthy).toMatchObject({ code: 1, stdout: expect.stringContaining("    the disk is full") });
    expect(JSON.parse(json.stdout)).toMatchObject({ status: "unhealthy" });
  });
});
