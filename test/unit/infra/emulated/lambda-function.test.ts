// Functions as Lambda invokes them: in threads with an environment of their own, within bounds of time, memory and size.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LambdaFunction, LambdaOptions } from "#infra/emulated/lambda-function.ts";
import { createLambdaFunction } from "#infra/emulated/lambda-function.ts";
import { newFolder } from "#test/support/folders.ts";

const MIB = 1024 * 1024;

async function functionOf(code: string, options: Partial<LambdaOptions> = {}): Promise<LambdaFunction> {
  const bundlePath = join(await newFolder(), "index.mjs");
  await writeFile(bundlePath, code);
  const created = createLambdaFunction({
    name: "tested",
    arn: "arn:aws:lambda:us-east-1:000000000000:function:tested",
    bundlePath,
    exportName: "handler",
    environment: {},
    timeoutSeconds: 10,
    memoryMb: 256,
    onOutput: () => undefined,
    ...options,
  });
  onTestFinished(() => created.stop());
  return created;
}

describe("a function", () => {
  it("is given the event, and answers what it returns", async () => {
    const tested = await functionOf("export const handler = async (event) => ({ got: event });");

    expect(await tested.invoke({ a: [1] })).toEqual({ got: { a: [1] } });
  });

  it("sees its own environment and none of this process", async () => {
    const tested = await functionOf("export const handler = async () => ({ ...process.env });", {
      environment: { TABLE: "events" },
    });

    expect(await tested.invoke({})).toEqual({ TABLE: "events", AWS_LAMBDA_FUNCTION_NAME: "tested" });
  });

  it("keeps its instance, one event at a time", async () => {
    const tested = await functionOf(`
      let count = 0;
      export const handler = async () => {
        count++;
        await new Promise((resolve) => setImmediate(resolve));
        return count;
      };`);

    const apart = [await tested.invoke({}), await tested.invoke({})];
    const together = await Promise.all([tested.invoke({}), tested.invoke({})]);

    expect(apart).toEqual([1, 2]);
    expect(together).toEqual([3, 1]); // the second one on an instance of its own
  });

  it("fails with what it throws", async () => {
    const tested = await functionOf(
      "export const handler = async () => { throw new RangeError('too far'); };",
    );

    await expect(tested.invoke({})).rejects.toThrow(/RangeError: too far/);
    await expect(tested.invoke({})).rejects.toThrow(/RangeError: too far/);
  });

  it("fails with the reason it cannot be loaded for", async () => {
    const tested = await functionOf("throw new Error('AUDIT_X is missing');");

    await expect(tested.invoke({})).rejects.toThrow(/AUDIT_X is missing/);
  });

  it("fails when its time is over, and begins anew", async () => {
    const tested = await functionOf(
      "export const handler = async (event) => (event.hangs ? new Promise(() => setInterval(() => {}, 1e6)) : 'well');",
      { timeoutSeconds: 0.3 },
    );

    await expect(tested.invoke({ hangs: true })).rejects.toThrow(/timed out after 0.3 seconds/);
    expect(await tested.invoke({})).toBe("well");
  });

  it("fails when it takes more memory than it has", async () => {
    const code =
      "const kept = []; export const handler = async () => { for (;;) kept.push(new Array(1e5).fill({})); };";
    const tested = await functionOf(code, { memoryMb: 16 });

    await expect(tested.invoke({})).rejects.toThrow(/memory/);
  });

  it("fails when event or result are larger than Lambda takes", async () => {
    const tested = await functionOf("export const handler = async ({ count = 0 }) => '\"'.repeat(count);");

    await expect(tested.invoke({ text: "x".repeat(6 * MIB) })).rejects.toThrow(/event is larger/);
    await expect(tested.invoke({ count: 3 * MIB })).rejects.toThrow(/result is larger/); // each quote takes two bytes
  });

  it("ends in the middle when it is killed, and begins anew", async () => {
    const reached = Promise.withResolvers<string>();
    const tested = await functionOf(
      "export const handler = async (event) => { console.log('began'); return event.hangs ? new Promise(() => setInterval(() => {}, 1e6)) : 'well'; };",
      { onOutput: reached.resolve },
    );
    const invoked = tested.invoke({ hangs: true });
    invoked.catch(() => undefined);
    await reached.promise;

    expect(await tested.killBusy()).toBe(1);

    await expect(invoked).rejects.toThrow(/has ended/);
    expect(await tested.invoke({})).toBe("well");
  });
});
