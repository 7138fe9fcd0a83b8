// The stand-in for KMS, spoken to by Amazon's own client: it refuses what KMS refuses.
import { createPublicKey, verify } from "node:crypto";
import {
  CreateKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  ListKeysCommand,
  SignCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { KmsServer } from "#infra/emulated/kms-server.ts";
import { KEY_ID_TAG, startKmsServer } from "#infra/emulated/kms-server.ts";

let server: KmsServer;
let client: KMSClient;
let KeyId: string;

beforeAll(async () => {
  server = await startKmsServer();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  client = new KMSClient({ endpoint: server.url, region: "us-east-1", credentials, maxAttempts: 1 });
  KeyId = (await client.send(new CreateKeyCommand(ED25519))).KeyMetadata?.KeyId ?? "";
});

afterAll(async () => {
  client.destroy();
  await server.close();
});

const ED25519 = { KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "SIGN_VERIFY" } as const;
const RAW = { MessageType: "RAW", SigningAlgorithm: "ED25519_SHA_512" } as const;
const Message = Buffer.from("message");

it("signs with the key whose public part it gives", async () => {
  const { PublicKey, KeySpec } = await client.send(new GetPublicKeyCommand({ KeyId }));
  const { Signature } = await client.send(new SignCommand({ KeyId, Message, ...RAW }));

  const publicKey = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: "der", type: "spki" });
  expect(KeySpec).toBe("ECC_NIST_EDWARDS25519");
  expect(verify(null, Message, publicKey, Signature ?? Buffer.alloc(0))).toBe(true);
});

it("gives a key the id that a tag names", async () => {
  const Tags = [{ TagKey: KEY_ID_TAG, TagValue: "own-id" }];

  const { KeyMetadata } = await client.send(new CreateKeyCommand({ ...ED25519, Tags }));

  expect(KeyMetadata?.Arn).toBe("arn:aws:kms:us-east-1:000000000000:key/own-id");
  expect((await client.send(new SignCommand({ KeyId: "own-id", Message, ...RAW }))).KeyId).toBe(
    KeyMetadata?.Arn,
  );
});

it.each([
  ["a digest with the algorithm for messages", { ...RAW, MessageType: "DIGEST" }, "ValidationException"],
  [
    "a message with the algorithm for digests",
    { ...RAW, SigningAlgorithm: "ED25519_PH_SHA_512" },
    "ValidationException",
  ],
  ["the algorithm of another key", { ...RAW, SigningAlgorithm: "ECDSA_SHA_256" }, "InvalidKeyUsageException"],
  ["a message of 4097 bytes", { ...RAW, Message: Buffer.alloc(4097) }, "ValidationException"],
  ["an empty message", { ...RAW, Message: Buffer.alloc(0) }, "ValidationException"],
  ["a key that there is not", { ...RAW, KeyId: "none" }, "NotFoundException"],
] as const)("refuses %s", async (_, part, name) => {
  const signing = client.send(new SignCommand({ KeyId, Message, ...part }));

  await expect(signing).rejects.toMatchObject({ name });
});

it("refuses keys of other kinds, and calls that it does not know", async () => {
  const rsa = new CreateKeyCommand({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" });

  await expect(client.send(rsa)).rejects.toMatchObject({ name: "ValidationException" });
  await expect(client.send(new ListKeysCommand({}))).rejects.toThrow(/does not know ListKeys/);
});
