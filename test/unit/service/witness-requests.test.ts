// The paths of a witness: what is asked where, and what a failing store looks like from outside.
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import type { WitnessStore } from "#service/witness-ports.ts";
import { createWitnessRequests } from "#service/witness-requests.ts";
import { createWitness, logsOfKeys } from "#service/witness.ts";
import { createTestLog, createTestSigner, memoryWitnessStore } from "#test/support/witnessed-log.ts";

const log = createTestLog(createTestSigner("log.example/audit"));
const CHECKPOINT = `/${hash("sha256", "log.example/audit")}/checkpoint`;

function open(store: WitnessStore = memoryWitnessStore()) {
  const failures: string[] = [];
  const witness = createWitness({
    logs: logsOfKeys([log.verifierKey]),
    store,
    signer: createTestSigner("witness.example/w1"),
    clock: { nowMs: () => 1e12 },
    verify: verifyEd25519,
  });
  const requests = createWitnessRequests(witness, (error) => failures.push(error.message));
  const ask = (method: string, path: string, body = "") => requests({ method, path, body });
  return { witness, ask, failures };
}

describe("the paths of a witness", () => {
  it("take checkpoints, and give back the last one by the hash of the log's origin", async () => {
    const { witness, ask } = open();

    const before = await ask("GET", CHECKPOINT);
    const cosigned = await ask("POST", "/add-checkpoint", log.request(0, 4));
    const after = await ask("GET", CHECKPOINT);

    expect([before.status, cosigned.status]).toEqual([404, 200]);
    expect(after).toEqual({
      status: 200,
      contentType: "text/plain; charset=utf-8",
      body: await witness.readCheckpoint("log.example/audit"),
    });
  });

  it("give the verifier key", async () => {
    const { witness, ask } = open();

    expect(await ask("GET", "/vkey")).toMatchObject({ status: 200, body: `${witness.verifierKey}\n` });
  });

  it.each([
    ["GET", "/add-checkpoint", 405],
    ["POST", "/vkey", 405],
    ["POST", CHECKPOINT, 405],
    ["GET", "/", 404],
    ["GET", `/${"0".repeat(64)}/checkpoint`, 404],
    ["POST", "/nothing", 404],
  ])("answer %s %s with %i", async (method, path, status) => {
    const { ask } = open();

    expect(await ask(method, path)).toMatchObject({ status });
  });
});

describe("a store that fails", () => {
  it("is 503, and is told", async () => {
    const { ask, failures } = open({
      ...memoryWitnessStore(),
      read: async () =>
        Promise.reject(new AuditStorageError("storage-unavailable", "no answer", { retryable: true })),
    });

    expect(await ask("POST", "/add-checkpoint", log.request(0, 4))).toMatchObject({ status: 503 });
    expect(failures).toEqual(["no answer"]);
  });

  it("is a defect where it is no failure of the store", async () => {
    const { ask } = open({
      ...memoryWitnessStore(),
      read: async () => Promise.reject(new Error("a defect")),
    });

    await expect(ask("POST", "/add-checkpoint", log.request(0, 4))).rejects.toThrow("a defect");
  });
});
