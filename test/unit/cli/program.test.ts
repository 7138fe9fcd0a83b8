// The command line as a whole: help, usage errors, exit codes.
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";

const COMMANDS = ["serve", "send", "query", "get", "export", "health", "import"];

describe("auditlog", () => {
  it("prints its version", async () => {
    expect(await createCliHarness().run(["--version"])).toEqual({ code: 0, stdout: "9.9.9\n", stderr: "" });
  });

  it("shows its help, with every command and examples", async () => {
    const { code, stdout } = await createCliHarness().run(["--help"]);

    expect(code).toBe(0);
    for (const command of [...COMMANDS, "Examples:"]) expect(stdout).toContain(command);
  });

  it.each(COMMANDS)("shows help of %s, with an example", async (command) => {
    const { code, stdout } = await createCliHarness().run([command, "--help"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples?:\n {2}\S/);
  });

  it("suggests what an unknown command may mean", async () => {
    const { code, stderr } = await createCliHarness().run(["qurey"]);

    expect(code).toBe(2);
    expect(stderr).toContain("auditlog: unknown command 'qurey'\n(Did you mean query?)");
  });

  it.each([
    [[]],
    [["query", "--nope"]],
    [["query", "--limit", "0"]],
    [["query", "--all", "--limit", "5"]],
    [["get"]],
    [["export", "--format", "xml"]],
    [["import", "x"]],
    [["import", "--format", "jsonl"]],
    [["send", "--metadata", "[1]"]],
    [["send", "--metadata", '{"a":1,"a":2}']],
    [["send", "--duration", "soon"]],
    [["send"]],
  ])("answers wrong usage %j with exit code 2", async (args) => {
    const { code, stdout, stderr } = await createCliHarness().run(args);

    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toBe("");
  });

  it("ends with the exit code of the service that it runs", async () => {
    const harness = createCliHarness({ serve: async () => 1 });

    expect(await harness.run(["serve"])).toMatchObject({ code: 1 });
  });

  it("says what failed in one line", async () => {
    const harness = createCliHarness({
      wrap: () => {
        throw new Error("the folder\n  is on fire");
      },
    });

    expect(await harness.run(["health"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "auditlog: the folder; is on fire\n",
    });
  });
});
