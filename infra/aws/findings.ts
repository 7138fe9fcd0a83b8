/** What cdk-nag finds and we accept, each with its reason. A finding that is not listed fails synthesis and a test. */
import type { Stack } from "aws-cdk-lib";
import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import type { Stage } from "#infra/aws/stages.ts";

/** Name of the export of the archive's ARN; its logical id is pinned by a test. */
const ARCHIVE_EXPORT = "ExportsOutputFnGetAttArchiveBucket49F1AC64Arn3FBD647E";

interface Acknowledgement {
  /** Path of the construct within its stack. */
  readonly path: string;
  /** As cdk-nag prints it. */
  readonly id: string;
  readonly reason: string;
}

const NO_ACCESS_LOG =
  "Objects are written and removed only by roles whose policies a test holds, and versions stay; CloudTrail data events tell more where they are wanted.";
const OBJECTS_OF_PREFIX =
  "Objects are named by batch or by place in the log; the function may do this to all objects of these prefixes, and to nothing else in the bucket.";

const STORAGE: readonly Acknowledgement[] = [
  { path: "Archive/Bucket", id: "AwsSolutions-S1", reason: NO_ACCESS_LOG },
];
const SERVICE: readonly Acknowledgement[] = [
  {
    path: "ArchiveQueries/Results",
    id: "AwsSolutions-S1",
    reason: "Results of queries are kept for a week and can be made again.",
  },
  {
    path: "HttpApi/Api",
    id: "AwsSolutions-APIG1",
    reason:
      "A log line per request would cost more than storing it; each function counts what it answers and logs what failed.",
  },
];
const ANY_METRIC: Acknowledgement = {
  path: "Maintain/Policy",
  id: "AwsSolutions-IAM5[Resource::*]",
  reason:
    "The age of the oldest message is told by CloudWatch alone, whose GetMetricData knows no resources; it reads numbers.",
};
const PUBLIC_ROUTE: Omit<Acknowledgement, "path"> = {
  id: "AwsSolutions-APIG4",
  reason:
    "Health, the API's description, hashes and signatures of the log, and answers to unknown routes hold nothing of an event; they need no key by contract.",
};
const OPEN_STAGE: Omit<Acknowledgement, "path"> = {
  id: "AwsSolutions-APIG4",
  reason: "The stage says `access: open`: its owner admits whoever knows the URL.",
};

const STORED = ["batches/*", "quarantine/*"];
const LOG = ["log/*", "segments/v1/*", "manifests/*"];
/** Policy of a function → objects that it names by a prefix. */
const OBJECTS: Readonly<Record<string, readonly string[]>> = {
  "Consume/Policy": STORED,
  "Maintain/Policy": [...STORED, ...LOG],
  "Seal/Policy": ["batches/*", "staging/*", "log/tile/*", ...LOG],
  "Prove/Policy": LOG,
};

export interface CheckedStacks {
  readonly storage: Stack;
  readonly service: IConstruct;
  /** The HTTP API; its routes that need no signature are acknowledged. */
  readonly api: IConstruct;
}

export function acknowledgeFindings({ storage, service, api }: CheckedStacks, { access }: Stage): void {
  for (const finding of STORAGE) acknowledge(storage, finding);
  for (const finding of [...SERVICE, ANY_METRIC]) acknowledge(service, finding);
  for (const [path, prefixes] of Object.entries(OBJECTS)) {
    for (const objects of prefixes) {
      const id = `AwsSolutions-IAM5[Resource::${storage.stackName}:${ARCHIVE_EXPORT}/${objects}]`;
      acknowledge(service, { path, id, reason: OBJECTS_OF_PREFIX });
    }
  }
  Validations.of(api).acknowledge(access === "open" ? OPEN_STAGE : PUBLIC_ROUTE);
}

function acknowledge(stack: IConstruct, { path, id, reason }: Acknowledgement): void {
  let construct = stack;
  for (const part of path.split("/")) construct = construct.node.findChild(part);
  Validations.of(construct).acknowledge({ id, reason });
}
