/**
 * One request to an AWS service, signed and sent without that service's client: for functions that ask a service for a
 * single thing, and whose cold start a whole client would double.
 */
import type { BinaryLike } from "node:crypto";
import { createHash, createHmac, hash } from "node:crypto";
import type { Agent, IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";
import { defaultProvider } from "#adapters/aws/lambda-credentials.ts";

export interface SignedRequestOptions {
  /** As signatures name it: `s3`, `sqs`. */
  readonly service: string;
  readonly region: string;
  /** @default those in the environment */
  readonly credentials?: ConstructorParameters<typeof SignatureV4>[0]["credentials"] | undefined;
  /** @default 1,500: probes have two seconds */
  readonly timeoutMs?: number;
  /**
   * Whether connections are used again. One that was kept may have been closed by the other side while the function was
   * frozen: whoever sets this tries again. @default false
   */
  readonly keepsConnections?: boolean;
}

export interface ServiceRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ServiceAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Rejects where no answer comes in time. */
export type SignedRequest = (request: ServiceRequest) => Promise<ServiceAnswer>;

/** Whoever takes longer does not answer. */
const DEFAULT_TIMEOUT_MS = 1_500;

export function createSignedRequest(options: SignedRequestOptions): SignedRequest {
  const { service, region, credentials = defaultProvider() } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, keepsConnections = false } = options;
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256, uriEscapePath: false });
  let agent: Agent | undefined;
  return async ({ method, url, headers: own = {}, body = "" }) => {
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...own, host: url.host, "x-amz-content-sha256": hash("sha256", body) },
      body,
    });
    if (keepsConnections) agent ??= new (protocolOf(url).Agent)({ keepAlive: true });
    return send({ method, url, headers, body }, { timeoutMs, agent: agent ?? false });
  };
}

interface SendOptions {
  readonly timeoutMs: number;
  readonly agent: Agent | false;
}

function send(
  { url, method, headers, body }: Required<ServiceRequest>,
  { timeoutMs, agent }: SendOptions,
): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const request = protocolOf(url).request(
      url,
      { method, headers, agent, signal: AbortSignal.timeout(timeoutMs) },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
        answer.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

interface Protocol extends Pick<typeof https, "request"> {
  readonly Agent: new (options: { readonly keepAlive: boolean }) => Agent;
}

/**
 * Plain HTTP is for stand-ins. An import of `node:http` costs the start of a function 10 ms and more even if nothing asks
 * for it: it makes Node load its own fetch and WebSocket, to know what the module exports.
 */
function protocolOf(url: URL): Protocol {
  return url.protocol === "http:" ? process.getBuiltinModule("node:http") : https;
}

/** SHA-256, or with a secret HMAC-SHA-256, as the signer wants it. */
class Sha256 {
  private readonly state: { update(data: BinaryLike): unknown; digest(): Buffer };

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.state = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.state.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.state.digest();
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
