// Templates as resources with names of their own: references, outputs, and what is not understood, by name.
import { describe, expect, it } from "vitest";
import { readAssembly } from "#infra/emulated/assembly.ts";
import type { Deployment } from "#infra/emulated/deployment.ts";
import { readDeployment } from "#infra/emulated/deployment.ts";
import type { SmallStack } from "#test/support/small-assembly.ts";
import { functionResource, smallAssembly } from "#test/support/small-assembly.ts";

const API = "http://127.0.0.1:1";
const SQS = "http://127.0.0.1:2";
const QUEUE = { Type: "AWS::SQS::Queue", Properties: { QueueName: "jobs" } };

async function deploy(stacks: Readonly<Record<string, SmallStack>>): Promise<Deployment> {
  return readDeployment({ stacks: readAssembly(await smallAssembly(stacks)), apiUrl: API, sqsUrl: SQS });
}

describe("the resources of a template", () => {
  it("have names that no other deployment has", async () => {
    const [one, other] = [
      await deploy({ S: { Resources: { Q: QUEUE } } }),
      await deploy({ S: { Resources: { Q: QUEUE } } }),
    ];

    const names = [one, other].flatMap((deployment) =>
      deployment.resources("AWS::SQS::Queue").map(({ name }) => name),
    );
    expect(names).toEqual([expect.stringMatching(/^jobs-[0-9a-f]{8}$/), expect.stringMatching(/^jobs-/)]);
    expect(new Set(names).size).toBe(2);
  });

  it("are referred to by these names, across stacks too", async () => {
    const exported = { Value: { Ref: "Q" }, Export: { Name: { "Fn::Join": ["", ["Storage", ":Url"]] } } };

    const deployment = await deploy({
      Storage: { Resources: { Q: QUEUE }, Outputs: { Url: exported } },
      Service: {
        Resources: {
          F: functionResource("f", {
            URL: { "Fn::ImportValue": "Storage:Url" },
            OWN: { "Fn::GetAtt": ["F", "Arn"] },
          }),
        },
      },
    });

    const [queue] = deployment.resources("AWS::SQS::Queue");
    const [lambda] = deployment.resources("AWS::Lambda::Function");
    expect(queue?.ref).toBe(`${SQS}/000000000000/${queue?.name}`);
    expect(lambda?.properties.Environment?.Variables).toEqual({ URL: queue?.ref, OWN: lambda?.arn });
    expect(deployment.outputs).toEqual({ Storage: { Url: queue?.ref }, Service: {} });
  });
});

describe("a table with a stream, and a key", () => {
  it("are told to functions by ARNs that nothing else has", async () => {
    const Table = {
      Type: "AWS::DynamoDB::GlobalTable",
      Properties: {
        AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
        Replicas: [],
        StreamSpecification: { StreamViewType: "KEYS_ONLY" },
      },
    };
    const Key = {
      Type: "AWS::KMS::Key",
      Properties: { KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "SIGN_VERIFY", KeyPolicy: {} },
    };
    const Source = {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        EventSourceArn: { "Fn::GetAtt": ["Table", "StreamArn"] },
        FunctionName: { Ref: "F" },
        StartingPosition: "LATEST",
        MaximumRetryAttempts: 0,
      },
    };
    const F = functionResource("f", { KEY: { "Fn::GetAtt": ["Key", "Arn"] } });

    const deployment = await deploy({ S: { Resources: { Table, Key, Source, F } } });

    const [table] = deployment.resources("AWS::DynamoDB::GlobalTable");
    const [source] = deployment.resources("AWS::Lambda::EventSourceMapping");
    const [key] = deployment.resources("AWS::KMS::Key");
    const [lambda] = deployment.resources("AWS::Lambda::Function");
    expect(source?.properties.EventSourceArn).toBe(table?.streamArn);
    expect(lambda?.properties.Environment?.Variables).toEqual({ KEY: key?.arn });
    expect(key?.arn).toBe(`arn:aws:kms:us-east-1:000000000000:key/${key?.name}`);
  });
});

describe("a template that is not understood", () => {
  it("is refused with every resource type that is not known", async () => {
    const Resources = {
      Q: QUEUE,
      Stream: { Type: "AWS::Kinesis::Stream" },
      Topic: { Type: "AWS::MSK::Cluster" },
    };

    await expect(deploy({ S: { Resources } })).rejects.toThrow(
      /S\/Stream \(AWS::Kinesis::Stream\)[^]*S\/Topic \(AWS::MSK::Cluster\)/,
    );
  });

  it("is refused with the member of a known type that is not known", async () => {
    const Resources = { Q: { ...QUEUE, Properties: { FifoQueue: true } } };

    await expect(deploy({ S: { Resources } })).rejects.toThrow(/S\/Q \(AWS::SQS::Queue\)[^]*FifoQueue/);
  });

  it.each([
    [{ FilterCriteria: {} }, /FilterCriteria/],
    [{ StartingPosition: "LATEST", MaximumRetryAttempts: 0, TumblingWindowInSeconds: 1 }, /TumblingWindow/],
    [{ StartingPosition: "AT_TIMESTAMP", MaximumRetryAttempts: 0 }, /AT_TIMESTAMP|StartingPosition|LATEST/],
    [
      {
        StartingPosition: "LATEST",
        MaximumRetryAttempts: 0,
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":[{"exists":true}]}' }] },
      },
      /the filter .*exists.* is not known here/,
    ],
  ])("is refused with what is not known of an event source: %j", async (part, problem) => {
    const Properties = { EventSourceArn: "arn", FunctionName: "f", ...part };
    const Resources = { Source: { Type: "AWS::Lambda::EventSourceMapping", Properties } };

    await expect(deploy({ S: { Resources } })).rejects.toThrow(problem);
  });

  it("is refused with the section that is not known", async () => {
    await expect(deploy({ S: { Resources: {}, Conditions: { IsProd: true } } })).rejects.toThrow(
      /Conditions/,
    );
  });

  it("is refused with the resource that a reference does not find", async () => {
    const Resources = { F: functionResource("f", { URL: { Ref: "Missing" } }) };

    await expect(deploy({ S: { Resources } })).rejects.toThrow(/S: there is no resource Missing/);
  });

  it("passes over what it knows to have no effect here", async () => {
    const Resources = { Role: { Type: "AWS::IAM::Role", Properties: { Anything: 1 } }, Q: QUEUE };

    expect((await deploy({ S: { Resources } })).resources("AWS::SQS::Queue")).toHaveLength(1);
  });
});
