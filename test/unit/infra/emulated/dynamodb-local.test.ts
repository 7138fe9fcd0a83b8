// DynamoDB Local ends with the process that started it, however that ends: it listens on all interfaces, with all it holds.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished, vi } from "vitest";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

const STARTER = `
  import { startDynamoDbLocal } from "#infra/emulated/dynamodb-local.ts";
  const { url } = await startDynamoDbLocal();
  console.log(url);
`;

async function isListening(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

describeDynamo("DynamoDB Local", () => {
  it("ends when the process that started it is killed", async () => {
    const args = ["--conditions=source", "--input-type=module", "--eval", STARTER];
    const starter = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => {
      starter.kill("SIGKILL");
    });
    const [line] = (await once(starter.stdout, "data")) as [Buffer];
    const url = line.toString().trim();
    const before = await isListening(url);

    starter.kill("SIGKILL");

    expect(before).toBe(true);
    await vi.waitFor(async () => expect(await isListening(url)).toBe(false), 10_000);
  });
});
