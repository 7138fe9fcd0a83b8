/**
 * KMS on this machine for tests and the emulated run: Ed25519 keys in memory that sign what KMS would sign, and refuse the
 * rest by the names of its errors. Nobody's rights are checked, and only this machine can reach it.
 */
import type { KeyObject } from "node:crypto";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import * as z from "zod";
import { REGION } from "#infra/emulated/config.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface KmsServer {
  /** For `AWS_ENDPOINT_URL_KMS`. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const ACCOUNT = "000000000000";
const KEY_SPEC = "ECC_NIST_EDWARDS25519";
const ALGORITHM = "ED25519_SHA_512";
/** The same key over a digest (Ed25519ph), which this stand-in has not. */
const DIGEST_ALGORITHM = "ED25519_PH_SHA_512";
const MAX_MESSAGE_BYTES = 4096;
/** A tag of CreateKey that names the key, as LocalStack has it: KMS itself chooses ids. */
export const KEY_ID_TAG = "_custom_id_";

const CreateKey = z.object({
  KeySpec: z.literal(KEY_SPEC),
  KeyUsage: z.literal("SIGN_VERIFY"),
  Tags: z.array(z.object({ TagKey: z.string(), TagValue: z.string() })).default([]),
});
const OfKey = z.object({ KeyId: z.string() });
const Sign = OfKey.extend({
  Message: z.base64(),
  MessageType: z.enum(["RAW", "DIGEST"]).default("RAW"),
  SigningAlgorithm: z.string(),
});

interface Key {
  readonly arn: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** An error of KMS, by its name. */
class KmsError extends AuditServiceError {
  readonly type: string;

  constructor(type: string, message: string) {
    super("internal", message);
    this.type = type;
  }
}

export async function startKmsServer(): Promise<KmsServer> {
  const keys = new Map<string, Key>();
  const server = createServer((request, response) => {
    answer(keys, request).then(
      (body) => {
        response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify(body));
      },
      (cause: unknown) => {
        const type = cause instanceof KmsError ? cause.type : "ValidationException";
        response.writeHead(400, { "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": type });
        response.end(JSON.stringify({ __type: type, message: String(cause) }));
      },
    );
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null)
    throw new AuditServiceError("internal", "the stand-in for KMS listens on no address");
  return {
    url: `http://${LOOPBACK}:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(keys: Map<string, Key>, request: IncomingMessage): Promise<object> {
  const action = String(request.headers["x-amz-target"]).replace("TrentService.", "");
  const parts: string[] = [];
  for await (const part of request.setEncoding("utf8")) parts.push(String(part));
  const body: unknown = JSON.parse(parts.join(""));
  if (action === "CreateKey") return createKey(keys, CreateKey.parse(body));
  if (action === "GetPublicKey") return publicKeyOf(findKey(keys, OfKey.parse(body).KeyId));
  if (action === "Sign") return signWith(keys, Sign.parse(body));
  throw new KmsError("UnknownOperationException", `this stand-in for KMS does not know ${action}`);
}

function createKey(keys: Map<string, Key>, { Tags: tags }: z.output<typeof CreateKey>): object {
  const id = tags.find(({ TagKey }) => TagKey === KEY_ID_TAG)?.TagValue ?? randomUUID();
  const arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`;
  const key = { arn, ...generateKeyPairSync("ed25519") };
  keys.set(id, key).set(arn, key);
  return { KeyMetadata: { KeyId: id, Arn: arn, KeySpec: KEY_SPEC, KeyUsage: "SIGN_VERIFY", Enabled: true } };
}

function findKey(keys: ReadonlyMap<string, Key>, keyId: string): Key {
  const found = keys.get(keyId);
  if (found === undefined) throw new KmsError("NotFoundException", `Key '${keyId}' does not exist`);
  return found;
}

function publicKeyOf({ arn, publicKey }: Key): object {
  return {
    KeyId: arn,
    KeySpec: KEY_SPEC,
    KeyUsage: "SIGN_VERIFY",
    PublicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    SigningAlgorithms: [ALGORITHM, DIGEST_ALGORITHM],
  };
}

function signWith(keys: ReadonlyMap<string, Key>, request: z.output<typeof Sign>): object {
  const { arn, privateKey } = findKey(keys, request.KeyId);
  const { SigningAlgorithm: algorithm, MessageType: type } = request;
  if (algorithm !== ALGORITHM && algorithm !== DIGEST_ALGORITHM)
    throw new KmsError("InvalidKeyUsageException", `${algorithm} is not supported by key ${arn}`);
  if ((algorithm === ALGORITHM) !== (type === "RAW"))
    throw new KmsError("ValidationException", `${algorithm} does not take messages of type ${type}`);
  if (type === "DIGEST")
    throw new KmsError("UnsupportedOperationException", "this stand-in for KMS signs no digests");
  const message = Buffer.from(request.Message, "base64");
  if (message.length === 0 || message.length > MAX_MESSAGE_BYTES)
    throw new KmsError("ValidationException", `a message has 1 to ${MAX_MESSAGE_BYTES} bytes`);
  const signature = sign(null, message, privateKey).toString("base64");
  return { KeyId: arn, Signature: signature, SigningAlgorithm: algorithm };
}
