/**
 * A key that signs for a log, or cosigns: Ed25519, its private half never outside KMS. Only one role may sign. Whoever may
 * change the key's policy could admit another; that is what witnesses in another account are for.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import {
  AccountRootPrincipal,
  AnyPrincipal,
  Effect,
  PolicyDocument,
  PolicyStatement,
} from "aws-cdk-lib/aws-iam";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Key, KeySpec, KeyUsage } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { Grantee } from "#infra/aws/grantee.ts";

export interface LogKeyProps {
  /** Whether the key outlives its stack. A log whose key is gone can never grow again. */
  readonly isProtected: boolean;
  /** Without `alias/`. */
  readonly alias: string;
  readonly description: string;
  /** The only role that may sign. Its ARN never changes with a deployment. */
  readonly signer: IRole;
}

/** What the account's administrators may do. No wildcard, which would let them sign, or let others by a grant. */
const ADMINISTRATION = [
  "kms:DescribeKey",
  "kms:GetPublicKey",
  "kms:GetKeyPolicy",
  "kms:GetKeyRotationStatus",
  "kms:ListGrants",
  "kms:ListKeyPolicies",
  "kms:ListResourceTags",
  "kms:PutKeyPolicy",
  "kms:UpdateKeyDescription",
  "kms:EnableKey",
  "kms:DisableKey",
  "kms:CreateAlias",
  "kms:UpdateAlias",
  "kms:DeleteAlias",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:ScheduleKeyDeletion",
  "kms:CancelKeyDeletion",
];

export class LogKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, { isProtected, alias, description, signer }: LogKeyProps) {
    super(scope, id);
    this.key = new Key(this, "Key", {
      keySpec: KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: KeyUsage.SIGN_VERIFY,
      alias,
      description,
      removalPolicy: isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      policy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: "Administration",
            principals: [new AccountRootPrincipal()],
            actions: [...ADMINISTRATION, "kms:Sign"], // whoever else IAM allows to sign is denied below
            resources: ["*"],
          }),
          new PolicyStatement({
            sid: "OnlyTheSigner",
            effect: Effect.DENY,
            principals: [new AnyPrincipal()],
            actions: ["kms:Sign"],
            resources: ["*"],
            conditions: { ArnNotEquals: { "aws:PrincipalArn": signer.roleArn } },
          }),
          new PolicyStatement({
            sid: "NoGrants",
            effect: Effect.DENY,
            principals: [new AnyPrincipal()],
            actions: ["kms:CreateGrant"],
            resources: ["*"],
          }),
        ],
      }),
    });
  }

  /** Signing, and telling the public key. The key refuses whoever is not its signer, whatever is granted. */
  grantSign(to: Grantee): void {
    to.allow(["kms:Sign", "kms:GetPublicKey"], [this.key.keyArn]);
  }
}
