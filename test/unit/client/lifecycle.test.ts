// Closing: what is under way is waited for, then things are let go, once; what comes after is refused.
import { describe, expect, it } from "vitest";
import { createLifecycle } from "#client/lifecycle.ts";

describe("createLifecycle", () => {
  it("hastens, waits for what is under way, and only then lets go", async () => {
    const steps: string[] = [];
    const { promise, resolve } = Promise.withResolvers<string>();
    const { run, close } = createLifecycle({
      what: "the thing",
      hasten: async () => {
        steps.push("hasten");
        resolve("result");
      },
      letGo: async () => {
        steps.push("let go");
      },
    });

    const working = run(async () => {
      const result = await promise;
      await new Promise(setImmediate);
      steps.push("done");
      return result;
    });
    await Promise.all([close(), close()]);

    expect(steps).toEqual(["hasten", "done", "let go"]);
    expect(await working).toBe("result");
  });

  it("refuses work once it is closing, by name", async () => {
    const { run, close } = createLifecycle({ what: "the thing" });
    const closing = close();

    await expect(run(async () => 1)).rejects.toMatchObject({
      code: "closed",
      message: "the thing is closed",
    });
    await closing;
  });

  it("lets go although what was under way failed", async () => {
    let isGone = false;
    const { run, close } = createLifecycle({
      what: "the thing",
      letGo: async () => {
        isGone = true;
      },
    });

    const failing = run(async () => Promise.reject(new Error("broken")));
    const closing = close();

    await expect(failing).rejects.toThrow("broken");
    await closing;
    expect(isGone).toBe(true);
  });
});
