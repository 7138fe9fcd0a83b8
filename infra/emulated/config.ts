/** What the emulated run reads from the environment, and the environments that it hands to others. */
import * as z from "zod";
import { AuditServiceError } from "#lib/errors.ts";

export interface EmulatedConfig {
  readonly port: number;
}

const DEFAULT_PORT = 8000;
/** Signatures are made with them, and nobody checks those. */
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "emulated", AWS_SECRET_ACCESS_KEY: "emulated" };

export const REGION = "us-east-1";

const Environment = z.object({
  AUDIT_API_PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
});

/** @throws AuditServiceError `invalid-configuration` */
export function readEmulatedConfig(): EmulatedConfig {
  const parsed = Environment.safeParse(process.env);
  if (parsed.success) return { port: parsed.data.AUDIT_API_PORT };
  throw new AuditServiceError("invalid-configuration", "AUDIT_API_PORT is no port from 0 to 65535");
}

/** Environment of a CDK app that is run without the CLI. */
export function synthEnvironment(
  outFolder: string,
  context: Readonly<Record<string, unknown>>,
): NodeJS.ProcessEnv {
  return { ...process.env, CDK_OUTDIR: outFolder, CDK_CONTEXT_JSON: JSON.stringify(context) };
}

export interface Endpoints {
  readonly dynamodb: string;
  readonly sqs: string;
  readonly s3: string;
  readonly kms: string;
  readonly cloudwatch: string;
}

/** What makes an AWS SDK or CLI talk to the stand-ins. */
export function endpointEnvironment({
  dynamodb,
  sqs,
  s3,
  kms,
  cloudwatch,
}: Endpoints): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_SQS: sqs,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_KMS: kms,
    AWS_ENDPOINT_URL_CLOUDWATCH: cloudwatch,
    AWS_REGION: REGION,
    ...CREDENTIALS,
  };
}

/** Options of a client of the SDK that talks to a stand-in. */
export function clientOptions(endpoint: string): {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
} {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = CREDENTIALS;
  return { endpoint, region: REGION, credentials: { accessKeyId, secretAccessKey } };
}
