// What an emulated run says where it cannot begin.
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { startEmulated } from "#infra/emulated/start-emulated.ts";
import { smallAssembly } from "#test/support/small-assembly.ts";

const NOWHERE = "http://127.0.0.1:1";

it("refuses a port that another program has, and says what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => {
    other.close();
  });
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" ? address?.port : undefined;

  const starting = startEmulated({
    assembly: await smallAssembly({ S: { Resources: {} } }),
    standIns: {
      endpoints: { dynamodb: NOWHERE, sqs: NOWHERE, s3: NOWHERE, kms: NOWHERE, cloudwatch: NOWHERE },
      stop: async () => undefined,
    },
    port,
  });

  await expect(starting).rejects.toMatchObject({
    code: "invalid-configuration",
    message: expect.stringMatching(new RegExp(`${port}.*AUDIT_API_PORT`)),
  });
});
