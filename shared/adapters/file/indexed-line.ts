/** What the index needs of a line that is read back from a file. Files may be damaged, so nothing is taken on trust. */
import type { IndexedEvent } from "#adapters/file/line-index.ts";
import type { ParsedLine } from "#event/read-line.ts";
import { parseLine, readLineMembers } from "#event/read-line.ts";
import { isStoredLine, LINE_VERSION } from "#event/stored-line.ts";
import type { Instant } from "#lib/instant.ts";

interface IndexedLine {
  readonly event: IndexedEvent;
  readonly instant: Instant;
}

/** The index keeps seconds in 32 bits. */
const MAX_SECONDS = 2 ** 32 - 1;

/** The line's index entry, or a sentence on why it cannot be served. */
export function readIndexedLine(text: string): IndexedLine | string {
  const read = readLineMembers(text);
  if (read.kind === "damaged") return read.reason;
  if (read.kind === "newer")
    return `has format version ${read.version}; this release reads version ${LINE_VERSION}`;
  if (read.instant.seconds > MAX_SECONDS) return "has a timestamp behind the year 2106";
  return read;
}

/** The members of a stored line, or undefined where it is none any more: files may rot at any time. */
export function parseStoredLine(text: string): ParsedLine | undefined {
  return isStoredLine(text) ? parseLine(text) : undefined;
}
