// The witness function hands requests on as API Gateway brings them, and tells of logs that contradict themselves.
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";

import { createWitnessFunction } from "#functions/witness/app.ts";
import type { WitnessReply } from "#service/witness-ports.ts";
import type { WitnessRequest } from "#service/witness-requests.ts";

function eventOf(changes: Partial<APIGatewayProxyEventV2>, method = "POST"): APIGatewayProxyEventV2 {
  // cast: the function reads no other members
  return {
    rawPath: "/add-checkpoint",
    ...changes,
    requestContext: { http: { method } },
  } as APIGatewayProxyEventV2;
}

function open(reply: WitnessReply) {
  const seen: WitnessRequest[] = [];
  const errors: unknown[] = [];
  const metrics: Record<string, unknown>[] = [];
  const call = createWitnessFunction({
    requests: async (request) => {
      seen.push(request);
      return reply;
    },
    clock: { nowMs: () => 1e12 },
    telemetry: { error: (message, fields) => errors.push([message, fields]) },
    serviceName: "audit-witness-dev",
    writeMetrics: (line) => metrics.push(JSON.parse(line)),
  });
  return { call, seen, errors, metrics };
}

const COSIGNED: WitnessReply = { status: 200, contentType: "text/plain", body: "— lines\n" };

describe("the witness function", () => {
  it.each([
    ["as text", { body: "old 0\n—", isBase64Encoded: false }],
    ["as base64", { body: Buffer.from("old 0\n—").toString("base64"), isBase64Encoded: true }],
  ])("hands on a body %s", async (_, changes) => {
    const { call, seen } = open(COSIGNED);

    const answer = await call(eventOf(changes));

    expect(seen).toEqual([{ method: "POST", path: "/add-checkpoint", body: "old 0\n—" }]);
    expect(answer).toEqual({
      statusCode: 200,
      headers: { "content-type": "text/plain", "cache-control": "no-store" },
      body: "— lines\n",
    });
  });

  it("counts what it cosigned", async () => {
    const { call, errors, metrics } = open(COSIGNED);

    await call(eventOf({ body: "old 0\n" }));

    expect(metrics).toMatchObject([
      { Service: "audit-witness-dev", CheckpointsCosigned: 1, Contradictions: 0 },
    ]);
    expect(errors).toEqual([]);
  });

  it("keeps what contradicts as evidence, and counts it", async () => {
    const { call, errors, metrics } = open({
      status: 422,
      contentType: "text/plain",
      body: "forked\n",
      isContradiction: true,
    });

    await call(eventOf({ body: "old 5\n…" }));

    expect(errors).toEqual([["a log contradicts itself", { reason: "forked\n", request: "old 5\n…" }]]);
    expect(metrics).toMatchObject([{ CheckpointsCosigned: 0, Contradictions: 1 }]);
  });

  it("gives no alarm for a proof that strangers can send of any log", async () => {
    const { call, errors, metrics } = open({ status: 422, contentType: "text/plain", body: "too short\n" });

    await call(eventOf({ body: "old 5\n…" }));

    expect(errors).toEqual([]);
    expect(metrics).toMatchObject([{ CheckpointsCosigned: 0, Contradictions: 0 }]);
  });

  it("counts no reads", async () => {
    const { call, metrics } = open(COSIGNED);

    await call(eventOf({ rawPath: "/vkey" }, "GET"));

    expect(metrics).toEqual([]);
  });
});
