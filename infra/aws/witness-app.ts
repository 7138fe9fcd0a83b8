/** The app of a witness: one stack, free of account and region, with what cdk-nag finds in it and we accept. */
import type { App } from "aws-cdk-lib";
import { Tags, Validations } from "aws-cdk-lib";
import type { Stage } from "#infra/aws/stages.ts";
import { WitnessStack } from "#infra/aws/witness-stack.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { ED25519, parseVerifierKey } from "#tlog/note.ts";

export interface WitnessAppOptions {
  readonly stage: Stage;
  /** Verifier keys of the logs that it watches. */
  readonly logKeys: readonly string[];
  readonly version: string;
}

export function createWitnessApp(app: App, { stage, logKeys, version }: WitnessAppOptions): WitnessStack {
  const stack = new WitnessStack(app, `AuditWitness-${stage.name}`, { stage, logKeys, version });
  Tags.of(stack).add("audit:stage", stage.name);
  const acknowledge = (construct: string, id: string, reason: string): void => {
    Validations.of(stack.node.findChild(construct)).acknowledge({ id, reason });
  };
  acknowledge(
    "Api",
    "AwsSolutions-APIG4",
    "By its specification a witness takes requests from everybody; the signature of a log it watches is what counts.",
  );
  acknowledge(
    "Api",
    "AwsSolutions-APIG1",
    "Whoever asks without a log's signature is refused and leaves no trace.",
  );
  acknowledge(
    "Checkpoints",
    "AwsSolutions-DDB3",
    "A table that was set back would cosign a fork; one that is lost begins anew with another key.",
  );
  return stack;
}

/**
 * @param value context `logKeys`: verifier keys with commas between them
 * @throws AuditServiceError `invalid-configuration`
 */
export function readLogKeys(value: unknown): readonly string[] {
  const keys = typeof value === "string" ? value.split(",").map((key) => key.trim()) : [];
  if (keys.length === 0) {
    const message = "a witness watches at least one log: --context logKeys=<verifier key>[,<verifier key>]";
    throw new AuditServiceError("invalid-configuration", message);
  }
  for (const key of keys) {
    if (!isLogKey(key)) {
      throw new AuditServiceError("invalid-configuration", `${key} is not the verifier key of a log`);
    }
  }
  return keys;
}

function isLogKey(key: string): boolean {
  try {
    return parseVerifierKey(key).algorithm === ED25519;
  } catch {
    return false;
  }
}
