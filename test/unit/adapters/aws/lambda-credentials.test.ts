// Credentials of a Lambda function: those that the runtime put into the environment.
import { afterEach, expect, it, vi } from "vitest";
import { defaultProvider } from "#adapters/aws/lambda-credentials.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("are read from the environment, token included", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_SESSION_TOKEN", "token");

  await expect(defaultProvider()()).resolves.toMatchObject({
    accessKeyId: "id",
    secretAccessKey: "secret",
    sessionToken: "token",
  });
});

it("are nowhere else looked for", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "");

  await expect(defaultProvider()()).rejects.toThrow("Unable to find environment variable credentials");
});
