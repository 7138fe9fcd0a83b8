// The gateway in front of the functions of a template: the template's routes decide who answers.
import { describe, expect, it, onTestFinished } from "vitest";
import { createTelemetry } from "#functions/telemetry.ts";
import { createHttpFront, routeProblems } from "#infra/emulated/http-front.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";

/** A function that answers its name and the route that it was asked for. */
function named(name: string, invoke?: LambdaFunction["invoke"]): LambdaFunction {
  const answer = async (event: unknown): Promise<object> => ({
    statusCode: 200,
    body: `${name} ${(event as { readonly routeKey: string }).routeKey}`,
  });
  return { name, arn: name, invoke: invoke ?? answer, killBusy: async () => 0, stop: async () => undefined };
}

async function front(routes: Readonly<Record<string, LambdaFunction>>): Promise<string> {
  const gateway = createHttpFront({
    routes: new Map(Object.entries(routes)),
    telemetry: createTelemetry({ level: "error", nowMs: Date.now, write: () => undefined }),
    onProblem: () => undefined,
  });
  const { port } = await gateway.listen("127.0.0.1", 0);
  onTestFinished(() => gateway.stop(0));
  return `http://127.0.0.1:${port}`;
}

describe("the gateway", () => {
  it("asks the function of the template's route", async () => {
    const url = await front({ "GET /health": named("one"), $default: named("other") });

    expect(await (await fetch(`${url}/health`)).text()).toBe("one GET /health");
  });

  it("asks the function of $default where the template lacks a route, and says so", async () => {
    const url = await front({ "GET /health": named("one"), $default: named("other") });

    expect(await (await fetch(`${url}/events`)).text()).toBe("other $default");
  });

  it("answers 404 where there is no $default either", async () => {
    const url = await front({ "GET /health": named("one") });

    expect((await fetch(`${url}/events`)).status).toBe(404);
  });

  it.each<[string, LambdaFunction["invoke"]]>([
    ["fails", () => Promise.reject(new Error("down"))],
    ["answers what is no answer", async () => ({ body: 1 })],
  ])("answers 500 where the function %s", async (_, invoke) => {
    const url = await front({ "GET /health": named("one", invoke) });

    expect((await fetch(`${url}/health`)).status).toBe(500);
  });
});

describe("the routes of a template", () => {
  it("are held to the route table, each difference by name", () => {
    const problems = routeProblems(["GET /events", "GET /nope"]);

    expect(problems).toContain("the template lacks the route POST /events");
    expect(problems).toContain("the template lacks the route HEAD /events");
    expect(problems).toContain("the route table has no GET /nope");
    expect(problems).not.toContain("the template lacks the route GET /events");
  });
});
