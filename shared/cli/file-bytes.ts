/** The bytes of a file to import, unpacked. Files are foreign input. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { ImportFile } from "#cli/import-files.ts";

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const READ_BYTES = 256 * 1024;

/**
 * The bytes of a file, gunzipped where it begins as gzip does, whatever its name.
 * @param onBytes told how many bytes of the file as it lies there were read
 * @throws Error where the file cannot be read or unpacked
 */
export async function* unpackedBytes(
  file: ImportFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let readBytes = 0;
  const raw = rawChunks(file.path, (bytes) => {
    readBytes += bytes;
    onBytes(bytes);
  });
  const first = await raw.next();
  if (first.done === true) return;
  const all = rejoin(first.value, raw);
  if (!first.value.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) {
    yield* all;
    return;
  }
  const gunzip = createGunzip();
  // A broken file makes the reading of gunzip fail with the same error.
  const feeding = pipeline(all, gunzip).catch(() => undefined);
  for await (const chunk of gunzip) yield chunk;
  await feeding;
  const end = gunzip.bytesWritten;
  const isWhole = file.isRegular ? await isPaddingFrom(file.path, end) : readBytes === end;
  if (!isWhole) throw new Error(`what stands behind byte ${end} is not gzip`);
}

/** gunzip ends where zeros stand in place of a member: they are padding, or damage with more members behind it. */
async function isPaddingFrom(path: string, start: number): Promise<boolean> {
  const rest: AsyncIterable<Buffer> = createReadStream(path, { start, highWaterMark: READ_BYTES });
  for await (const chunk of rest) if (chunk.some((byte) => byte !== 0)) return false;
  return true;
}

async function* rejoin(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* rawChunks(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: READ_BYTES });
  for await (const chunk of stream) {
    onBytes(chunk.length);
    yield chunk;
  }
}
