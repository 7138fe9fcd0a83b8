// The sealer: what wakes it, what it is told, and that nobody else may sign.
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it, vi } from "vitest";

import type { Synthesised } from "#test/infra/synthesised.ts";
import { statementsOf, SYNTHESIS_TIMEOUT_MS, synthesise } from "#test/infra/synthesised.ts";

vi.setConfig({ testTimeout: SYNTHESIS_TIMEOUT_MS });

const POLICIES = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] as const;
const SEAL_ROLE = { "Fn::GetAtt": ["SealRoleF3C0EACC", "Arn"] };

let prod: Synthesised;
let dev: Synthesised;

beforeAll(() => {
  prod = synthesise("prod");
  dev = synthesise("dev");
});

interface RawStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** Statements of all policies of a template that allow signing, or anything of which that is part. */
function signing(template: Synthesised["serviceTemplate"]): readonly (readonly [string, RawStatement])[] {
  const policies = POLICIES.flatMap((type) => Object.entries(template.findResources(type)));
  return policies.flatMap(([id, { Properties }]) =>
    // cast: as the CDK writes policies
    (Properties.PolicyDocument.Statement as readonly RawStatement[])
      .filter(({ Effect, Action }) => Effect === "Allow" && [Action].flat().some(isSigning))
      .map((statement) => [id, statement] as const),
  );
}

function isSigning(action: string): boolean {
  const [service, name = ""] = action.split(":");
  const pattern = new RegExp(`^${name.replaceAll("*", ".*").replaceAll("?", ".")}$`, "i");
  return action === "*" || (service === "kms" && pattern.test("Sign"));
}

function keysOf({ storageTemplate }: Synthesised) {
  return Object.values(storageTemplate.findResources("AWS::KMS::Key"));
}

describe("the keys of the log", () => {
  it("are two, of Ed25519, for signing, kept in prod", () => {
    const facts = keysOf(prod).map(({ Properties, DeletionPolicy }) => ({
      spec: Properties.KeySpec,
      usage: Properties.KeyUsage,
      DeletionPolicy,
    }));

    const key = { spec: "ECC_NIST_EDWARDS25519", usage: "SIGN_VERIFY", DeletionPolicy: "Retain" };
    expect(facts).toEqual([key, key]);
    expect(keysOf(dev).map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(["Delete", "Delete"]);
  });

  it.each(["audit-prod-log", "audit-prod-freshness"])("are found as %s", (name) => {
    prod.storageTemplate.hasResourceProperties("AWS::KMS::Alias", { AliasName: `alias/${name}` });
  });

  it("sign for the sealer's role and for nobody else, whatever IAM allows", () => {
    for (const { Properties } of keysOf(prod)) {
      // cast: as the CDK writes policies
      const statements = Properties.KeyPolicy.Statement as readonly RawStatement[];
      const allowed = statements.filter(({ Effect }) => Effect === "Allow");
      const denied = statements.filter(({ Effect }) => Effect === "Deny");

      expect(allowed.map(({ Sid }) => Sid)).toEqual(["Administration"]);
      expect(
        allowed.flatMap(({ Action }) => [Action].flat()).filter((action) => action.includes("*")),
      ).toEqual([]);
      expect(denied).toEqual([
        {
          Sid: "OnlyTheSigner",
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: "kms:Sign",
          Resource: "*",
          Condition: { ArnNotEquals: { "aws:PrincipalArn": SEAL_ROLE } },
        },
        {
          Sid: "NoGrants",
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: "kms:CreateGrant",
          Resource: "*",
        },
      ]);
    }
  });

  it("may be used by the seal function's policy alone", () => {
    const found = [prod.serviceTemplate, prod.storageTemplate].flatMap(signing);

    expect(found.map(([id]) => id.replace(/[0-9A-F]{8}$/, ""))).toEqual(["SealPolicy", "SealPolicy"]);
    expect(found.map(([, { Resource }]) => typeof Resource)).toEqual(["object", "object"]);
  });

  it("belong to the role that the seal function has", () => {
    prod.serviceTemplate.hasResourceProperties("AWS::Lambda::Function", {
      Description: Match.stringLikeRegexp("transparency log"),
      Role: { "Fn::ImportValue": Match.stringLikeRegexp("SealRoleF3C0EACCArn") },
    });
  });
});

describe("the sealer", () => {
  it("is woken by new batches within seconds, and tried no second time", () => {
    prod.serviceTemplate.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      EventSourceArn: { "Fn::ImportValue": Match.stringLikeRegexp("StreamArn") },
      FunctionName: { Ref: Match.stringLikeRegexp("^SealFunction") },
      StartingPosition: "LATEST",
      MaximumBatchingWindowInSeconds: 5,
      MaximumRetryAttempts: 0,
      MaximumRecordAgeInSeconds: 60,
      FilterCriteria: {
        Filters: [
          {
            Pattern: JSON.stringify({
              eventName: ["INSERT"],
              dynamodb: { Keys: { pk: { S: ["pending"] } } },
            }),
          },
        ],
      },
    });
  });

  it("is woken every minute", () => {
    prod.serviceTemplate.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: "rate(1 minute)",
      Targets: [
        Match.objectLike({
          Arn: { "Fn::GetAtt": [Match.stringLikeRegexp("^SealFunction"), "Arn"] },
          RetryPolicy: { MaximumRetryAttempts: 0 },
        }),
      ],
    });
  });

  it("locks what is for ever as the stage says, and nothing where that has no lock", () => {
    expect(variableOf(prod, "AUDIT_ARCHIVE_LOCK")).toBe('{"mode":"GOVERNANCE","days":365}');
    expect(variableOf(dev, "AUDIT_ARCHIVE_LOCK")).toBeUndefined();
    expect(statementsOf(dev, "Seal").flatMap(({ actions }) => actions)).not.toContain(
      "s3:PutObjectRetention",
    );
  });

  it("names its log after account, region and stage, or as the stage says", () => {
    const named = synthesise("prod", { log: { origin: "log.example/audit", witnesses: [] } });

    expect(JSON.stringify(variableOf(prod, "AUDIT_LOG_ORIGIN"))).toMatch(
      /audit-service.*AccountId.*Region.*prod/,
    );
    expect(variableOf(named, "AUDIT_LOG_ORIGIN")).toBe("log.example/audit");
  });

  it("is told the witnesses of the stage", () => {
    const witnesses = [{ url: "https://witness.example/", vkey: "witness.example/w1+00000000+BA==" }];
    const watched = synthesise("prod", { log: { origin: undefined, witnesses } });

    expect(variableOf(prod, "AUDIT_WITNESSES")).toBe("[]");
    expect(variableOf(watched, "AUDIT_WITNESSES")).toBe(JSON.stringify(witnesses));
  });
});

describe("removing from the archive", () => {
  it("is for the sealer alone, and of batches and outgrown tiles alone", () => {
    const removing = Object.entries(prod.serviceTemplate.findResources("AWS::IAM::Policy")).filter(
      ([, { Properties }]) => /s3:(Delete|Bypass|\*)/.test(JSON.stringify(Properties.PolicyDocument)),
    );

    expect(removing.map(([id]) => id.replace(/[0-9A-F]{8}$/, ""))).toEqual(["SealPolicy"]);
    expect(JSON.stringify(removing)).not.toMatch(/Bypass|DeleteObjectVersion/);
  });
});

/** Of the seal function. */
function variableOf({ serviceTemplate }: Synthesised, name: string): unknown {
  const functions = Object.entries(serviceTemplate.findResources("AWS::Lambda::Function"));
  const [, seal] = functions.find(([id]) => id.startsWith("SealFunction")) ?? [];
  return seal?.["Properties"].Environment.Variables[name];
}
