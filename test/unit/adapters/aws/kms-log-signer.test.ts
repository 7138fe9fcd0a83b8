// The signer over KMS, on a stand-in that signs what KMS signs: nothing is handed on that its public key does not verify.
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import type { KMSClient } from "@aws-sdk/client-kms";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { KmsSender } from "#adapters/aws/kms-client.ts";
import { createKmsClient } from "#adapters/aws/kms-client.ts";
import { openKmsLogSigner } from "#adapters/aws/kms-log-signer.ts";
import type { KmsServer } from "#infra/emulated/kms-server.ts";
import { startKmsServer } from "#infra/emulated/kms-server.ts";
import { vendorError } from "#test/support/dynamodb-faults.ts";

const MESSAGE = Buffer.from("log.example\n7\nqqqq=\n");
const NAME = "log.example";
const SPKI_PREFIX_BYTES = 12;

let server: KmsServer;
let client: KMSClient;

beforeAll(async () => {
  server = await startKmsServer();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  client = createKmsClient({ endpoint: server.url, region: "us-east-1", credentials });
});

afterAll(async () => {
  client.destroy();
  await server.close();
});

async function createKey(): Promise<string> {
  const request = new CreateKeyCommand({ KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "SIGN_VERIFY" });
  return (await client.send(request)).KeyMetadata?.Arn ?? "";
}

/** Changes the answers of a client. */
function answering(change: (answer: object, name: string) => object): KmsSender {
  const send = async (command: { readonly constructor: { readonly name: string } }): Promise<object> => {
    const answer = await (client.send as (sent: unknown) => Promise<object>).call(client, command);
    return change(answer, command.constructor.name);
  };
  return { send } as KmsSender;
}

describe("the signer over KMS", () => {
  it("signs the message itself with the key that it tells", async () => {
    const signer = await openKmsLogSigner({ client, keyArn: await createKey(), name: NAME });

    const signature = await signer.sign(MESSAGE);

    expect(signer.name).toBe(NAME);
    expect(signer.publicKey).toHaveLength(32);
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), signer.publicKey]);
    const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
    expect(signature).toHaveLength(64);
    expect(verify(null, MESSAGE, publicKey, signature)).toBe(true);
  });

  it("signs messages of up to 4096 bytes, and refuses longer ones by their size", async () => {
    const signer = await openKmsLogSigner({ client, keyArn: await createKey(), name: NAME });

    expect(await signer.sign(Buffer.alloc(4096))).toHaveLength(64);
    await expect(signer.sign(Buffer.alloc(4097))).rejects.toThrow(/4097 bytes is more than the 4096/);
  });

  it("hands on no signature that is another key's, as when the key was replaced", async () => {
    const [keyArn, other] = [await createKey(), await createKey()];
    const theirs = await openKmsLogSigner({ client, keyArn: other, name: NAME });
    const stolen = await theirs.sign(MESSAGE);
    const mixed = answering((answer, name) =>
      name === "SignCommand" ? { ...answer, Signature: stolen } : answer,
    );
    const honest = await openKmsLogSigner({ client: answering((answer) => answer), keyArn, name: NAME });
    const signer = await openKmsLogSigner({ client: mixed, keyArn, name: NAME });

    expect(await honest.sign(MESSAGE)).toHaveLength(64);
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: false,
      message: expect.stringMatching(/its public key does not verify/) as unknown,
    });
  });

  it.each([[undefined], [new Uint8Array()], [new Uint8Array(63)]])(
    "hands on no signature of a wrong length: %j",
    async (signature) => {
      const mixed = answering((answer, name) =>
        name === "SignCommand" ? { ...answer, Signature: signature } : answer,
      );
      const signer = await openKmsLogSigner({ client: mixed, keyArn: await createKey(), name: NAME });

      await expect(signer.sign(MESSAGE)).rejects.toThrow(/does not verify/);
    },
  );

  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  const x25519 = generateKeyPairSync("x25519").publicKey.export({ format: "der", type: "spki" });
  it.each<readonly [string, object]>([
    [
      "of another curve",
      { KeySpec: "ECC_NIST_P256", PublicKey: p256.export({ format: "der", type: "spki" }) },
    ],
    ["that says one thing and is another", { PublicKey: x25519 }],
    ["that only signs digests", { SigningAlgorithms: ["ED25519_PH_SHA_512"] }],
    ["that is cut off", { PublicKey: x25519.subarray(0, SPKI_PREFIX_BYTES + 31) }],
    ["that is missing", { PublicKey: undefined }],
  ])("refuses a key %s for good", async (_, part) => {
    const changed = answering((answer) => ({ ...answer, ...part }));

    const opening = openKmsLogSigner({ client: changed, keyArn: await createKey(), name: NAME });

    await expect(opening).rejects.toMatchObject({ code: "storage-unavailable", retryable: false });
  });

  it.each(["KMSInternalException", "ThrottlingException", "DependencyTimeoutException", "DisabledException"])(
    "says that it may be asked again after %s",
    async (name) => {
      const keyArn = await createKey();
      let isBroken = false;
      const faulty = answering((answer) => {
        if (isBroken) throw vendorError(name);
        return answer;
      });
      const signer = await openKmsLogSigner({ client: faulty, keyArn, name: NAME });
      isBroken = true;

      await expect(signer.sign(MESSAGE)).rejects.toMatchObject({
        code: "storage-unavailable",
        retryable: true,
        details: { vendorError: name },
      });
      await expect(openKmsLogSigner({ client: faulty, keyArn, name: NAME })).rejects.toMatchObject({
        retryable: true,
      });
    },
  );

  it("says which key there is not", async () => {
    const keyArn = "arn:aws:kms:us-east-1:000000000000:key/none";

    const opening = openKmsLogSigner({ client, keyArn, name: NAME });

    await expect(opening).rejects.toThrow(`public key ${keyArn} was answered by NotFoundException`);
  });
});
