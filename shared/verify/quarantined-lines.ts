/**
 * Lines that a repair has moved out of the log: looked up in the file that the marker names, and held against what was
 * sealed. Bytes that are not what the marker says prove nothing.
 */
import type { LogSource } from "#verify/log-source.ts";
import { HASH_BYTES, hashInto, sha256 } from "#verify/native-hash.ts";
import { hex } from "#verify/finding.ts";
import type { QuarantineMarker } from "#verify/special-lines.ts";

const NEWLINE = 10;
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

export type QuarantinedLines =
  | { readonly kind: "lines"; readonly hashes: Buffer }
  | { readonly kind: "problem"; readonly problem: string };

/** Remembers the last marker: its leaves come one after the other. */
export function createQuarantineReader(
  source: LogSource,
): (marker: QuarantineMarker) => Promise<QuarantinedLines> {
  let last: { readonly marker: QuarantineMarker; readonly lines: QuarantinedLines } | undefined;
  return async (marker) => {
    if (last?.marker.file !== marker.file || last.marker.sha256 !== marker.sha256) {
      last = { marker, lines: await readQuarantined(source, marker) };
    }
    return last.lines;
  };
}

async function readQuarantined(source: LogSource, marker: QuarantineMarker): Promise<QuarantinedLines> {
  const bytes = await source.read(marker.file, MAX_FILE_BYTES);
  if (bytes === undefined) return { kind: "problem", problem: `${marker.file} is not there` };
  if (bytes.length !== marker.bytes || hex(sha256(bytes)) !== marker.sha256) {
    return { kind: "problem", problem: `${marker.file} does not hold the bytes that were moved to it` };
  }
  return { kind: "lines", hashes: lineHashes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) };
}

function lineHashes(bytes: Buffer): Buffer {
  const hashes: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline === -1 ? bytes.length : newline;
    const hash = Buffer.allocUnsafe(HASH_BYTES);
    hashInto(bytes.subarray(at, end), hash, 0);
    hashes.push(hash);
    at = end + 1;
  }
  return Buffer.concat(hashes);
}
