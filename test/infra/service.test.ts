// The service stack: routes as the table has them, functions as Lambda runs them, how messages reach them, outputs.
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { ROUTES } from "#http/route-table.ts";
import { SERVICE_FUNCTION_NAMES } from "#infra/aws/bundle.ts";
import type { Synthesised } from "#test/infra/synthesised.ts";
import { SYNTHESIS_TIMEOUT_MS, synthesise } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

/** What operators and the command line look for by name. */
const OUTPUTS = [
  "ApiUrl",
  "ArchiveBucket",
  "HotRetentionDays",
  "IntakeDlqUrl",
  "IntakeTenants",
  "IntakeUrl",
  "LedgerName",
  "QueueDlqUrl",
  "QueueUrl",
  "TableName",
];

let prod: Synthesised;

beforeAll(() => {
  prod = synthesise("prod");
});

describe("the HTTP API", () => {
  it("has each route of the table, HEAD beside GET, and a last resort", () => {
    const expected = ROUTES.flatMap(({ method, path }) =>
      method === "GET" ? [`GET ${path}`, `HEAD ${path}`] : [`${method} ${path}`],
    );

    expect(Object.keys(routesOf(prod)).toSorted()).toEqual([...expected, "$default"].toSorted());
  });

  it("wants a signature on all routes but those that are public", () => {
    const open = Object.entries(routesOf(prod)).filter(([, type]) => type !== "AWS_IAM");
    const paths = [
      "/health",
      "/openapi.json",
      "/log/checkpoint",
      "/log/tile/{path+}",
      "/log/vkey",
      "/log/vkeys",
    ];

    expect(open.map(([key]) => key).toSorted()).toEqual(
      ["$default", ...paths.flatMap((path) => [`GET ${path}`, `HEAD ${path}`])].toSorted(),
    );
  });

  it("wants none where the stage is open", () => {
    const types = Object.values(routesOf(synthesise("dev", { access: "open" })));

    expect(new Set(types)).toEqual(new Set(["NONE"]));
  });

  it("limits requests", () => {
    prod.serviceTemplate.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      DefaultRouteSettings: { ThrottlingRateLimit: 2000, ThrottlingBurstLimit: 4000 },
    });
  });
});

describe("the functions", () => {
  it("run on Node 24 on arm64, log as JSON, and keep platform lines from WARN on", () => {
    prod.serviceTemplate.resourceCountIs("AWS::Lambda::Function", SERVICE_FUNCTION_NAMES.length);
    prod.serviceTemplate.allResourcesProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      LoggingConfig: { LogFormat: "JSON", SystemLogLevel: "WARN", ApplicationLogLevel: "INFO" },
      ReservedConcurrentExecutions: Match.absent(),
    });
    prod.serviceTemplate.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 90 });
  });

  it("are told what they read and nothing more", () => {
    const all = ["AUDIT_API_LOG_LEVEL", "AUDIT_SERVICE_NAME", "AUDIT_SERVICE_VERSION", "AUDIT_STORAGE_TYPE"];
    const tables = ["AUDIT_LEDGER_NAME", "AUDIT_TABLE_NAME"];
    const queues = ["AUDIT_INTAKE_URL", "AUDIT_QUEUE_URL"];
    const dead = ["AUDIT_INTAKE_DLQ_URL", "AUDIT_QUEUE_DLQ_URL"];
    const log = [
      "AUDIT_ARCHIVE_LOCK",
      "AUDIT_FRESHNESS_KEY_ARN",
      "AUDIT_LOG_KEY_ARN",
      "AUDIT_LOG_ORIGIN",
      "AUDIT_WITNESSES",
    ];
    const store = [...tables, "AUDIT_ARCHIVE_BUCKET", "AUDIT_HOT_RETENTION_DAYS"];

    expect(variablesOf(prod)).toEqual({
      Ingest: [...all, "AUDIT_QUEUE_URL"].toSorted(),
      Query: [...all, ...tables, ...queues].toSorted(),
      Health: [...all, ...tables, ...queues, ...dead, "AUDIT_ARCHIVE_BUCKET"].toSorted(),
      Consume: [...all, ...store, ...queues, "AUDIT_QUEUE_ARN", "AUDIT_INTAKE_TENANTS"].toSorted(),
      Maintain: [...all, ...store, ...queues, ...dead].toSorted(),
      Seal: [...all, ...store, ...log].toSorted(),
      Prove: [...all, ...tables, "AUDIT_ARCHIVE_BUCKET"].toSorted(),
    });
  });

  it("are fed by both queues in batches, failing message by message", () => {
    prod.serviceTemplate.resourceCountIs("AWS::Lambda::EventSourceMapping", 3);
    prod.serviceTemplate.resourcePropertiesCountIs(
      "AWS::Lambda::EventSourceMapping",
      {
        FunctionName: { Ref: Match.stringLikeRegexp("^ConsumeFunction") },
        BatchSize: 10_000,
        MaximumBatchingWindowInSeconds: 5,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: 10 },
      },
      2,
    );
  });

  it.each(["Maintain", "Seal"])("leave a failed run of %s to the next one", (id) => {
    prod.serviceTemplate.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      FunctionName: { Ref: Match.stringLikeRegexp(`^${id}Function`) },
      MaximumRetryAttempts: 0,
    });
  });

  it("are maintained every five minutes, and no run outlasts that", () => {
    prod.serviceTemplate.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: "rate(5 minutes)",
    });
    const timeouts = Object.values(prod.serviceTemplate.findResources("AWS::Lambda::Function")).map(
      ({ Properties }) => Properties.Timeout,
    );

    expect(Math.max(...timeouts)).toBeLessThan(300);
  });
});

describe("the outputs", () => {
  it("have the names that operators look for", () => {
    const outputs = Object.keys(prod.serviceTemplate.toJSON()["Outputs"]);

    expect(outputs.toSorted()).toEqual(OUTPUTS);
  });
});

/** Route key → authorization type. */
function routesOf({ serviceTemplate }: Synthesised): Readonly<Record<string, string>> {
  const routes = Object.values(serviceTemplate.findResources("AWS::ApiGatewayV2::Route"));
  return Object.fromEntries(
    routes.map(({ Properties }) => [Properties.RouteKey, Properties.AuthorizationType]),
  );
}

/** Id of the function's construct → names of its variables. */
function variablesOf({ serviceTemplate }: Synthesised): Readonly<Record<string, readonly string[]>> {
  const functions = Object.entries(serviceTemplate.findResources("AWS::Lambda::Function"));
  return Object.fromEntries(
    functions.map(([id, { Properties }]) => [
      id.replace(/Function[0-9A-F]{8}$/, ""),
      Object.keys(Properties.Environment.Variables).toSorted(),
    ]),
  );
}
