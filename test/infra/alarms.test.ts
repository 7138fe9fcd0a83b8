// Alarms and runbooks hold each other: no alarm without an entry that says what to do, no entry without its alarm.
import { readFileSync } from "node:fs";
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { ALARMS } from "#infra/aws/alarm-catalogue.ts";
import type { Synthesised } from "#test/infra/synthesised.ts";
import { SYNTHESIS_TIMEOUT_MS, synthesise } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

const OPERATIONS = new URL("../../docs/operations.md", import.meta.url);
const METRICS = [
  "CoverLag",
  "EventsConflicting",
  "EventsQuarantined",
  "LogSize",
  "MessagesFailed",
  "SealProblems",
  "UnaccountedEvents",
  "WitnessFailures",
];
/** Pauses between two deliveries: of a message that was put off, and of one whose function crashed. */
const LONGEST_BACK_OFF_S = 900;
const VISIBILITY_S = 720;
/** That the consumer may wait for more messages before it is called. */
const LONGEST_WINDOW_S = 5;
/** CloudWatch quotas, 2026. */
const MAX_METRICS_OF_AN_ALARM = 10;

let prod: Synthesised;

beforeAll(() => {
  prod = synthesise("prod", { alarmEmail: "on-call@example.org" });
});

describe("the runbooks of docs/operations.md", () => {
  it("have one entry for each alarm's anchor, and no other", () => {
    const anchors = ALARMS.map(({ runbook }) => runbook);

    expect(runbookAnchors()).toEqual([...new Set(anchors)].toSorted());
  });

  it("say what it means, how to look and what to do", () => {
    const thin = runbookEntries().filter(
      ({ text }) => !["**Means.**", "**Look.**", "**Do.**"].every((part) => text.includes(part)),
    );

    expect(thin.map(({ anchor }) => anchor)).toEqual([]);
  });
});

describe("the alarms", () => {
  it("name their entry, and tell a person when they go on and off", () => {
    const alarms = Object.values(prod.serviceTemplate.findResources("AWS::CloudWatch::Alarm"));
    const descriptions = alarms.map(({ Properties }) => String(Properties.AlarmDescription));
    const wanted = ALARMS.map(({ runbook }) => `docs/operations.md#${runbook}`);

    expect(descriptions.map((text) => / See (\S+)$/.exec(text)?.[1] ?? "").toSorted()).toEqual(
      wanted.toSorted(),
    );
    expect(alarms.filter(({ Properties }) => !Properties.AlarmActions || !Properties.OKActions)).toEqual([]);
  });

  it("may publish to their topic, whose policy takes the place of the default one", () => {
    prod.serviceTemplate.hasResourceProperties("AWS::SNS::TopicPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Allow",
            Action: "sns:Publish",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
          }),
        ]),
      },
    });
  });

  it("send nothing where the stage names nobody", () => {
    const { serviceTemplate } = synthesise("prod");

    serviceTemplate.resourceCountIs("AWS::SNS::Topic", 0);
    serviceTemplate.allResourcesProperties("AWS::CloudWatch::Alarm", {});
  });

  it("watch the service's own metrics by the name of its instance", () => {
    const alarms = Object.values(prod.serviceTemplate.findResources("AWS::CloudWatch::Alarm"));
    const own = alarms.filter(({ Properties }) => Properties.Namespace === "AuditService");

    expect([...new Set(own.map(({ Properties }) => String(Properties.MetricName)))].toSorted()).toEqual(
      METRICS,
    );
    expect(own.map(({ Properties }) => Properties.Dimensions)).toEqual(
      own.map(() => [{ Name: "Service", Value: "audit" }]),
    );
  });

  it.each([
    ["AlarmsMessagesFailed", LONGEST_BACK_OFF_S],
    ["AlarmsConsumeErrors", VISIBILITY_S],
  ])("%s hears of one message that fails for ever, with silence between its tries", (id, pauseS) => {
    const { Period, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = propertiesOf(prod, id);
    const failures = Math.floor((EvaluationPeriods * Period) / (pauseS + LONGEST_WINDOW_S));

    expect(failures).toBeGreaterThanOrEqual(DatapointsToAlarm);
  });

  it("add up no more metrics than CloudWatch takes for one alarm", () => {
    const alarms = Object.values(prod.serviceTemplate.findResources("AWS::CloudWatch::Alarm"));
    const metrics = alarms.map(
      ({ Properties: { Metrics = [] } }) =>
        Metrics.filter((metric: { MetricStat?: object }) => metric.MetricStat !== undefined).length,
    );

    expect(Math.max(...metrics)).toBeLessThanOrEqual(MAX_METRICS_OF_AN_ALARM);
  });

  it("take silence of the functions on a schedule for a failure, and silence of all else for health", () => {
    const alarms = Object.entries(prod.serviceTemplate.findResources("AWS::CloudWatch::Alarm"));
    const breaching = alarms.filter(([, { Properties }]) => Properties.TreatMissingData === "breaching");

    expect(breaching.map(([id]) => id.replace(/[0-9A-F]{8}$/, ""))).toEqual([
      "AlarmsSealMissing",
      "AlarmsMaintenanceMissing",
    ]);
  });
});

interface AlarmProperties {
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
}

function propertiesOf({ serviceTemplate }: Synthesised, id: string): AlarmProperties {
  const alarms = Object.entries(serviceTemplate.findResources("AWS::CloudWatch::Alarm"));
  return alarms.find(([logicalId]) => logicalId.startsWith(id))?.[1]["Properties"];
}

interface Entry {
  readonly anchor: string;
  readonly text: string;
}

/** Entries under "## Runbooks": each `### Heading` with the text below it. */
function runbookEntries(): readonly Entry[] {
  const [, runbooks = ""] = readFileSync(OPERATIONS, "utf8").split("\n## Runbooks\n");
  const [section = ""] = runbooks.split("\n## ");
  return section
    .split("\n### ")
    .slice(1)
    .map((text) => ({ anchor: anchorOf(text.split("\n", 1)[0] ?? ""), text }));
}

function runbookAnchors(): readonly string[] {
  return runbookEntries()
    .map(({ anchor }) => anchor)
    .toSorted();
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .trim()
    .replaceAll(" ", "-");
}
