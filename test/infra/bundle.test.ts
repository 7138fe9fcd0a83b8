// What a function weighs is what its cold start costs: sizes are held, and each bundle loads by itself.
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { EndpointCache } from "#infra/aws/bundle-endpoint-cache.ts";
import {
  EventStreamSerde,
  eventStreamSerdeProvider,
  resolveEventStreamSerdeConfig,
} from "#infra/aws/bundle-event-streams.ts";
import type { LambdaName } from "#infra/aws/bundle.ts";
import { bundleFunction, FUNCTION_NAMES } from "#infra/aws/bundle.ts";
import { ED25519, formatVerifierKey } from "#tlog/note.ts";

/** The stricter reading of KB. */
const KB = 1000;
const MAX_BYTES: Readonly<Record<LambdaName, number>> = {
  ingest: 350 * KB,
  query: 350 * KB,
  health: 350 * KB,
  consume: 560 * KB,
  maintain: 560 * KB,
  // The clients for DynamoDB, S3 and KMS together; it starts once in hours, and nobody waits for it.
  seal: 580 * KB,
  prove: 350 * KB,
  witness: 400 * KB,
};
/** What the stack and Lambda would set; nothing of it exists. */
const ENVIRONMENT = {
  AWS_REGION: "us-east-1",
  AUDIT_TABLE_NAME: "events",
  AUDIT_LEDGER_NAME: "ledger",
  AUDIT_QUEUE_URL: "http://127.0.0.1:9/1/lines",
  AUDIT_QUEUE_ARN: "arn:aws:sqs:us-east-1:000000000000:lines",
  AUDIT_INTAKE_URL: "http://127.0.0.1:9/1/intake",
  AUDIT_QUEUE_DLQ_URL: "http://127.0.0.1:9/1/lines-dead",
  AUDIT_INTAKE_DLQ_URL: "http://127.0.0.1:9/1/intake-dead",
  AUDIT_ARCHIVE_BUCKET: "archive",
  AUDIT_LOG_ORIGIN: "log.example/audit",
  AUDIT_LOG_KEY_ARN: "arn:aws:kms:us-east-1:000000000000:key/log",
  AUDIT_FRESHNESS_KEY_ARN: "arn:aws:kms:us-east-1:000000000000:key/freshness",
  AUDIT_WITNESS_TABLE: "witness",
  AUDIT_WITNESS_KEY_ARN: "arn:aws:kms:us-east-1:000000000000:key/witness",
  AUDIT_WITNESS_NAME: "witness.example/w1",
  AUDIT_WITNESS_LOG_KEYS: JSON.stringify([
    formatVerifierKey({ name: "log.example/audit", algorithm: ED25519, publicKey: new Uint8Array(32) }),
  ]),
};
/** A variable that each function refuses to be without. */
const NEEDED: Readonly<Record<LambdaName, string>> = {
  ingest: "AUDIT_QUEUE_URL",
  query: "AUDIT_TABLE_NAME",
  health: "AUDIT_QUEUE_DLQ_URL",
  consume: "AUDIT_QUEUE_ARN",
  maintain: "AUDIT_QUEUE_DLQ_URL",
  seal: "AUDIT_LOG_KEY_ARN",
  prove: "AUDIT_ARCHIVE_BUCKET",
  witness: "AUDIT_WITNESS_KEY_ARN",
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-bundles-"));
  for (const name of FUNCTION_NAMES) bundleFunction(name, join(folder, name));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(FUNCTION_NAMES)("the bundle of %s", (name) => {
  it("is within its size", async () => {
    const { size } = await stat(join(folder, name, "index.mjs"));

    expect(size).toBeLessThanOrEqual(MAX_BYTES[name]);
  });

  it("loads by itself and exports a handler", async () => {
    const { stdout } = await load(join(folder, name, "index.mjs"), ENVIRONMENT);

    expect(stdout).toBe("function");
  });

  it("refuses to load without what the stack tells it, and names all of it", async () => {
    const { stderr } = await load(join(folder, name, "index.mjs"), {}).catch(
      (error: unknown) => error as { stderr: string },
    );

    expect(stderr).toContain("the configuration is not valid");
    expect(stderr).toContain(`${NEEDED[name]} is not set`);
  });
});

describe("the parts of the SDK that are left out", () => {
  it("leave the settings of a client as they are", () => {
    const settings = { region: "us-east-1" };

    expect(resolveEventStreamSerdeConfig(settings)).toBe(settings);
  });

  it("say so where they are used after all", () => {
    const cache = new EndpointCache();

    expect(() => cache.getEndpoint()).toThrow("not in this bundle");
    expect(() => cache.get()).toThrow("not in this bundle");
    expect(() => cache.set()).toThrow("not in this bundle");
    expect(() => EventStreamSerde()).toThrow("not in this bundle");
    expect(() => eventStreamSerdeProvider()).toThrow("not in this bundle");
  });
});

/** In a process of its own, as Lambda does it. */
async function load(
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const script = `const { handler } = await import(${JSON.stringify(path)}); process.stdout.write(typeof handler);`;
  return promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { env });
}
