// The outputs of deployed stacks as variables: what is taken, and what is refused because it would be a guess.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { outputOf, readOutputs } from "#infra/local/outputs.ts";
import { newFolder } from "#test/support/folders.ts";

async function fileOf(value: unknown): Promise<string> {
  const path = join(await newFolder(), "outputs.json");
  await writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

describe("a file of outputs", () => {
  it("gives the names of all stacks as the variables of functions, and passes over what it does not know", async () => {
    const path = await fileOf({
      Storage: { TableName: "events", ExportsOutput: "x" },
      Service: { LedgerName: "ledger", IntakeTenants: "{}", HotRetentionDays: "90", ApiUrl: "https://x" },
    });

    const env = await readOutputs(path);

    expect(env).toEqual({
      AUDIT_TABLE_NAME: "events",
      AUDIT_LEDGER_NAME: "ledger",
      AUDIT_INTAKE_TENANTS: "{}",
      AUDIT_HOT_RETENTION_DAYS: "90",
    });
  });

  it("is refused where it is of several deployments", async () => {
    const path = await fileOf({ One: { TableName: "events-1" }, Two: { TableName: "events-2" } });

    await expect(readOutputs(path)).rejects.toMatchObject({
      code: "invalid-configuration",
      message: `${path} holds the outputs of several deployments: TableName differs; leave one`,
    });
  });

  it.each([["{"], ["[]"], ['{"a":1}'], ['{"Stack":{"Other":"x"}}']])(
    "is refused where it is %s",
    async (text) => {
      const path = await fileOf(text);

      await expect(readOutputs(path)).rejects.toMatchObject({ code: "invalid-configuration" });
    },
  );

  it("is what a message calls the output that a variable lacks", () => {
    expect(outputOf("AUDIT_QUEUE_DLQ_URL")).toBe("QueueDlqUrl");
    expect(outputOf("AUDIT_SERVICE_NAME")).toBeUndefined();
  });
});
