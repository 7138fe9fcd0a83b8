// auditlog send: events from flags, and from standard input as they come.
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";

describe("auditlog send", () => {
  it("logs an event from flags and prints its id", async () => {
    const harness = createCliHarness();

    const { code, stdout } = await harness.run([
      "send",
      "--action",
      "user_login",
      "--service",
      "shop",
      "--user",
      "alice",
      "--id",
      "e-1",
      "--level",
      "warning",
      "--category",
      "security",
      "--resource-type",
      "door",
      "--resource-id",
      "7",
      "--metadata",
      '{"a":[1]}',
      "--duration",
      "1.5",
      "--timestamp",
      "2026-01-31T09:30:00Z",
    ]);

    expect([code, stdout]).toEqual([0, "e-1\n"]);
    expect(JSON.parse((await harness.run(["get", "e-1"])).stdout)).toMatchObject({
      action: "user_login",
      service_name: "shop",
      user_id: "alice",
      level: "WARN",
      category: "SECURITY",
      resource_type: "door",
      metadata: { a: [1] },
      duration_ms: 1.5,
    });
  });

  it("fills in the configured service for flags, but not for JSON", async () => {
    const harness = createCliHarness();

    const flags = await harness.run(["send", "--action", "a", "--id", "flags"]);
    const json = await harness.run(["send"], '{"action":"a"}\n');

    expect([flags.code, json.code]).toEqual([0, 1]);
    expect((await harness.run(["get", "flags"])).stdout).toContain("default-service");
    expect(json.stderr).toBe("auditlog: line 1: /service_name is required\n");
  });

  it("logs lines as they come, and names each that is refused", async () => {
    const harness = createCliHarness();
    const input = [
      '{"action":"a","service_name":"s","event_id":"one"}\r\n\n{"action":"b","servi',
      'ce_name":"s","event_id":"two","typo":1}\nnot json\n',
      '{"action":"c","service_name":"s","event_id":"three","metadata":{"n":9007199254740993}}\n',
      '{"action":"d","service_name":"s","event_id":"four"}',
    ];

    const { code, stdout, stderr } = await harness.run(["send"], input);

    expect(code).toBe(1);
    expect(stdout).toBe("one\nfour\n");
    expect(stderr.split("\n").map((line) => line.slice(0, 35))).toEqual([
      "auditlog: line 3: /typo is not a fi",
      "auditlog: line 4: the line is not J",
      "auditlog: line 5: /metadata/n is an",
      "",
    ]);
  });

  it.each([
    ["an event over several lines", '{\n "event_id":"e0","action":"a",\n "service_name":"s"\n}\n', ["e0"]],
    [
      "a list",
      '[{"event_id":"e0","action":"a","service_name":"s"},\n{"event_id":"e1","action":"a","service_name":"s"}]',
      ["e0", "e1"],
    ],
    ["a batch", '{"events":[{"event_id":"e0","action":"a","service_name":"s"}]}', ["e0"]],
    [
      "lines of which the first is broken",
      '{"action"\n{"event_id":"e0","action":"a","service_name":"s"}\n',
      ["e0"],
    ],
  ])("takes %s", async (_, input, ids) => {
    const { stdout } = await createCliHarness().run(["send"], input);

    expect(stdout.trim().split("\n")).toEqual(ids);
  });

  it("says once what is wrong with a broken document", async () => {
    const { code, stderr } = await createCliHarness().run(["send"], '{\n "action":\n}\n');

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: the input is not JSON: .*\n$/);
  });

  it("prints receipts as JSON", async () => {
    const { stdout } = await createCliHarness().run(["send", "--action", "a", "--id", "e", "--json"]);

    expect(stdout).toBe('{"event_id":"e"}\n');
  });

  it("sends an event once, however often it is sent with its id", async () => {
    const harness = createCliHarness();

    await harness.run(["send", "--action", "a", "--id", "e"]);
    const again = await harness.run(["send", "--action", "a", "--id", "e"]);
    const other = await harness.run(["send", "--action", "b", "--id", "e"]);

    expect([again.code, other.code]).toEqual([0, 1]);
    expect(other.stderr).toContain("an event with other content is stored under the id e");
    expect(harness.store.lines).toHaveLength(1);
  });
});
