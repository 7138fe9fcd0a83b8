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
