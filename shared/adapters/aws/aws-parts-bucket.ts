/**
 * HEAD on a bucket, signed and sent without the S3 client: that client is larger than all else that the health function
 * holds, and would double its cold start for this one request.
 */
import type { BinaryLike } from "node:crypto";
import { createHash, createHmac } from "node:crypto";
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";
import { defaultProvider } from "#adapters/aws/lambda-credentials.ts";

export interface BucketHeadOptions {
  readonly bucket: string;
  readonly region: string;
  /** Where S3 is; the bucket is then put into the path. @default AWS's own of the region */
  readonly endpoint?: string | undefined;
  /** @default those in the environment */
  readonly credentials?: ConstructorParameters<typeof SignatureV4>[0]["credentials"];
}

/** Resolves to the HTTP status of the answer; rejects where there is none. */
export type BucketHead = () => Promise<number>;

/** A bucket that takes longer does not answer; probes have two seconds. */
const TIMEOUT_MS = 1_500;
/** The body of HEAD is empty: SHA-256 of nothing. */
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export function createBucketHead(options: BucketHeadOptions): BucketHead {
  const { bucket, region, endpoint, credentials = defaultProvider() } = options;
  const url =
    endpoint === undefined
      ? new URL(`https://${bucket}.s3.${region}.${domainOf(region)}/`)
      : new URL(`${endpoint.replace(/\/$/, "")}/${bucket}`);
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  });
  return async () => {
    const { headers } = await signer.sign({
      method: "HEAD",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, "x-amz-content-sha256": EMPTY_SHA256 },
    });
    return new Promise((resolve, reject) => {
      const send = url.protocol === "http:" ? requestPlain : requestTls;
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const request = send(url, { method: "HEAD", headers, signal }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      request.on("error", reject);
      request.end();
    });
  };
}

/** China has a domain of its own. */
function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** SHA-256, or with a secret HMAC-SHA-256, as the signer wants it. */
class Sha256 {
  private readonly hash: { update(data: BinaryLike): unknown; digest(): Buffer };

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
