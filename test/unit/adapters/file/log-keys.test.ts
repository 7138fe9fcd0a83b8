// The keys of a local log: made once, readable by their owner alone, in the form of Go's note signers, and bound to an origin.
import { verify, createPublicKey } from "node:crypto";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { LogPaths } from "#adapters/file/log-folder.ts";
import { logPaths } from "#adapters/file/log-folder.ts";
import { openLogKeys } from "#adapters/file/log-keys.ts";
import { parseVerifierKey } from "#tlog/note.ts";
import { newFolder } from "#test/support/folders.ts";

const ORIGIN = "log.example/audit";
/** From the tests of Go's golang.org/x/mod/sumdb/note. */
const GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

async function newPaths(): Promise<LogPaths> {
  return logPaths(join(await newFolder(), "audit.jsonl"));
}

describe("keys of a log", () => {
  it("are made at the first opening and are the same ever after", async () => {
    const paths = await newPaths();

    const first = openLogKeys(paths, undefined);
    const again = openLogKeys(paths, undefined);

    expect(first.origin).toMatch(/^audit-service\.local\/[0-9a-f]{16}$/);
    expect(again.verifierKey).toBe(first.verifierKey);
    expect(again.freshness.publicKey).toEqual(first.freshness.publicKey);
    expect(first.freshness.publicKey).not.toEqual(first.log.publicKey);
    expect(first.freshness.name).toBe(`${first.origin}/freshness`);
  });

  it("have the origin that is asked for", async () => {
    const { origin, log, verifierKey } = openLogKeys(await newPaths(), ORIGIN);

    expect([origin, log.name, parseVerifierKey(verifierKey).name]).toEqual([ORIGIN, ORIGIN, ORIGIN]);
  });

  it("are readable by their owner alone, and say so in the form of Go's note signers", async () => {
    const paths = await newPaths();
    openLogKeys(paths, ORIGIN);

    for (const path of [paths.logKey, paths.freshnessKey]) {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readFile(path, "utf8")).toMatch(
        /^PRIVATE\+KEY\+log\.example\/audit[a-z/]*\+[0-9a-f]{8}\+A[\w+/]{43}\n$/,
      );
    }
  });

  it("sign so that the verifier key checks it", async () => {
    const { log, verifierKey } = openLogKeys(await newPaths(), ORIGIN);
    const message = Buffer.from("message");
    const { publicKey } = parseVerifierKey(verifierKey);

    const signature = await log.sign(message);

    const x = Buffer.from(publicKey).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    expect(verify(null, message, key, signature)).toBe(true);
  });

  it("are those of a signer that Go has made", async () => {
    const paths = await newPaths();
    openLogKeys(paths, "PeterNeumann");
    await writeFile(paths.logKey, GO_SIGNER, { mode: 0o600 });

    expect(openLogKeys(paths, undefined)).toMatchObject({ origin: "PeterNeumann", verifierKey: GO_VERIFIER });
  });
});

describe("a key file is refused", () => {
  it.each([0o640, 0o604, 0o660, 0o644])("that others than its owner can reach, in mode %o", async (mode) => {
    const paths = await newPaths();
    openLogKeys(paths, ORIGIN);
    await chmod(paths.logKey, mode);

    expect(() => openLogKeys(paths, ORIGIN)).toThrow(`run: chmod 600 ${paths.logKey}`);
  });

  it.each(["", "x", GO_SIGNER.replace("c74f20a3", "c74f20a4"), GO_SIGNER.slice(0, -4)])(
    "that holds %j, and stays as it is",
    async (text) => {
      const paths = await newPaths();
      await writeFile(paths.logKey, text, { mode: 0o600 });

      expect(() => openLogKeys(paths, undefined)).toThrow(
        expect.objectContaining({ code: "invalid-configuration" }),
      );

      expect(await readFile(paths.logKey, "utf8")).toBe(text);
    },
  );

  it("that cannot be made, in a way that tells that it may be later", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, "file"), "");

    expect(() => openLogKeys(logPaths(join(folder, "file", "audit.jsonl")), ORIGIN)).toThrow(
      expect.objectContaining({ code: "storage-unavailable", retryable: true }),
    );
  });

  it("where another origin is configured", async () => {
    const paths = await newPaths();
    openLogKeys(paths, ORIGIN);

    expect(() => openLogKeys(paths, "other.example/log")).toThrow(
      `AUDIT_LOG_ORIGIN is other.example/log, but the log in ${paths.folder} is ${ORIGIN}`,
    );
  });

  it("where the key of freshness is that of another log", async () => {
    const [paths, other] = [await newPaths(), await newPaths()];
    openLogKeys(paths, ORIGIN);
    openLogKeys(other, "other.example/log");
    await writeFile(paths.freshnessKey, await readFile(other.freshnessKey));

    expect(() => openLogKeys(paths, ORIGIN)).toThrow("is a key of other.example/log/freshness, not of");
  });
});
