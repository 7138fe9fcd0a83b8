/**
 * Staging objects: all that one seal publishes, in one immutable object, so that whoever finds the head of the log can
 * publish it to its end. Between the swap of the head and publication it is the only copy. A line of JSON says what is in
 * it, the bytes of the objects follow in that order. Format 1.
 */
import { hash } from "node:crypto";
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import { stagingKey } from "#service/log-layout.ts";
import type { SealedBatch, StagedObject } from "#service/log-ports.ts";
import { batchOfStored, StoredBatch, storedBatch } from "#service/manifest.ts";

export interface Staging {
  readonly oldSize: number;
  readonly newSize: number;
  /** Root of the tree of the new size, 32 bytes as lower-case hex. */
  readonly rootHex: string;
  readonly batches: readonly SealedBatch[];
  /** In the order in which they are to be published. */
  readonly objects: readonly StagedObject[];
}

export interface EncodedStaging {
  readonly key: string;
  readonly bytes: Uint8Array;
}

const FORMAT = 1;
const NEWLINE = 0x0a;

const Header = z.strictObject({
  format: z.literal(FORMAT),
  old_size: z.int().min(0),
  new_size: z.int().min(1),
  root: z.string().regex(/^[0-9a-f]{64}$/),
  batches: z.array(StoredBatch.extend({ segment: z.string().optional() })),
  objects: z.array(z.strictObject({ key: z.string().min(1), bytes: z.int().min(0) })),
});

/** The same bytes and key for the same seal. */
export function encodeStaging({ oldSize, newSize, rootHex, batches, objects }: Staging): EncodedStaging {
  const header: z.infer<typeof Header> = {
    format: FORMAT,
    old_size: oldSize,
    new_size: newSize,
    root: rootHex,
    batches: batches.map(({ segment, ...batch }) => ({
      ...storedBatch(batch),
      ...(segment === undefined ? {} : { segment }),
    })),
    objects: objects.map(({ key, bytes }) => ({ key, bytes: bytes.byteLength })),
  };
  const line = Buffer.from(`${JSON.stringify(header)}\n`, "utf8");
  const bytes = Buffer.concat([line, ...objects.map((object) => object.bytes)]);
  return { key: stagingKey({ oldSize, newSize, rootHex, sha256Hex: hash("sha256", bytes) }), bytes };
}

/**
 * @param key under which the bytes are stored, and which they must have made
 * @throws AuditStorageError `storage-unavailable` where the object is damaged or of a newer format; not retryable
 */
export function decodeStaging(bytes: Uint8Array, key: string): Staging {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) throw unreadable(key, "it holds no whole line");
  const parsed = Header.safeParse(parsedJson(bytes.subarray(0, end), key));
  if (!parsed.success) throw unreadable(key, z.prettifyError(parsed.error));
  const { old_size: oldSize, new_size: newSize, root: rootHex, batches, objects } = parsed.data;
  if (stagingKey({ oldSize, newSize, rootHex, sha256Hex: hash("sha256", bytes) }) !== key)
    throw unreadable(key, "its content is not what its key names");
  let at = end + 1;
  const cut = objects.map((object): StagedObject => {
    const content = bytes.subarray(at, at + object.bytes);
    at += object.bytes;
    return { key: object.key, bytes: content };
  });
  if (at !== bytes.byteLength)
    throw unreadable(key, `it is ${bytes.byteLength} bytes; its objects end at ${at}`);
  const sealed = batches.map(({ segment, ...batch }) => ({ ...batchOfStored(batch), segment }));
  return { oldSize, newSize, rootHex, batches: sealed, objects: cut };
}

function parsedJson(bytes: Uint8Array, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw unreadable(key, "its first line is not JSON", error);
  }
}

function unreadable(key: string, problem: string, cause?: unknown): AuditStorageError {
  const message = `staging object ${key} is damaged or of a newer format: ${problem}`;
  return new AuditStorageError("storage-unavailable", message, { cause, details: { key } });
}
