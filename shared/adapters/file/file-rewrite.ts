/**
 * Writes a log file anew with markers in the place of damaged stretches; all else is copied byte for byte, in a
 * compressed file all members that no stretch touches.
 */
import { fstatSync } from "node:fs";
import type { Stretch } from "#adapters/file/damaged-stretches.ts";
import { gzipMember } from "#adapters/file/gzip-members.ts";
import type { LogFile, MemberMap } from "#adapters/file/log-file.ts";
import { blocksOf, bytesOf } from "#adapters/file/quarantine.ts";

export interface Replacement extends Pick<Stretch, "kind" | "from" | "bytes"> {
  /** The marker as a line, without its newline. */
  readonly marker: string;
}

export interface Rewrite {
  readonly file: LogFile;
  /** The file, open for reading. */
  readonly fd: number;
  /** In the order of the file. */
  readonly replacements: readonly Replacement[];
}

type Append = (bytes: Uint8Array) => void;

/** Hands the file's new content to `append`, in pieces. */
export async function rewriteFile({ file, fd, replacements }: Rewrite, append: Append): Promise<void> {
  const copy = (from: number, to: number): void => {
    for (const block of blocksOf(bytesOf(fd, { from, bytes: to - from }))) append(block);
  };
  if (file.members !== undefined) {
    await rewriteMembers(file, file.members, { replacements, copy, append });
    return;
  }
  let at = 0;
  for (const { from, bytes, marker } of replacements) {
    copy(at, from);
    append(lineOf(marker));
    at = from + bytes;
  }
  copy(at, fstatSync(fd).size);
}

interface MemberRewrite {
  readonly replacements: readonly Replacement[];
  /** Copies bytes [from, to) of the compressed file. */
  readonly copy: (from: number, to: number) => void;
  readonly append: Append;
}

async function rewriteMembers(
  file: LogFile,
  { starts, compressedStarts }: MemberMap,
  { replacements, copy, append }: MemberRewrite,
): Promise<void> {
  const raw = replacements.filter(({ kind }) => kind === "member");
  const inLines = replacements.filter(({ kind }) => kind !== "member");
  for (let member = 0; member + 1 < starts.length; member++) {
    const from = compressedStarts[member] ?? 0;
    const damaged = raw.find((stretch) => stretch.from <= from && from < stretch.from + stretch.bytes);
    if (damaged !== undefined) {
      if (damaged.from === from) append(await gzipMember(lineOf(damaged.marker)));
      continue;
    }
    const start = starts[member] ?? 0;
    const end = starts[member + 1] ?? 0;
    const touching = inLines.filter((stretch) => stretch.from < end && stretch.from + stretch.bytes > start);
    if (touching.length === 0) copy(from, compressedStarts[member + 1] ?? 0);
    else {
      const lines = replaceIn(file.read(start, end), start, touching);
      if (lines.length > 0) append(await gzipMember(lines));
    }
  }
}

/** Bytes of one member, which begin at `start`. A stretch may begin before them and end behind them. */
function replaceIn(bytes: Buffer, start: number, replacements: readonly Replacement[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, bytes: length, marker } of replacements) {
    if (from >= start) parts.push(bytes.subarray(at, from - start), lineOf(marker));
    at = Math.min(bytes.length, from + length - start);
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

function lineOf(marker: string): Buffer {
  return Buffer.from(`${marker}\n`);
}
