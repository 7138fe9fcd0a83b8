/** Checkpoints (C2SP tlog-checkpoint): what the signed note of a log says of its tree. */
import { fromBase64, toBase64 } from "#tlog/base64.ts";
import { quote } from "#tlog/bytes.ts";
import { checkSize, parseDecimal } from "#tlog/numbers.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { checkHash } from "#tlog/tree-hash.ts";

export interface Checkpoint {
  /** Which log it is of; not empty, one line. */
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Lines behind the root, without newlines; mostly none. */
  readonly extensions: readonly string[];
}

/** @returns the body of the note @throws TlogError `malformed` where the checkpoint could not be parsed again */
export function formatCheckpoint(c: Checkpoint): string {
  checkSize(c.size, "size");
  checkHash(c.root, "root");
  const lines = [c.origin, c.size.toString(), toBase64(c.root), ...c.extensions];
  for (const line of lines) checkLine(line);
  return `${lines.join("\n")}\n`;
}

/**
 * Reads the body of a note; signatures must have been checked before anything in it is believed. A root is not compared to
 * that of the empty tree where size is 0.
 * @throws TlogError `malformed`
 */
export function parseCheckpoint(body: string): Checkpoint {
  if (!body.endsWith("\n")) throw new TlogError("malformed", "the checkpoint does not end with a newline");
  const lines = body.slice(0, -1).split("\n");
  for (const line of lines) checkLine(line);
  const [origin, size, root, ...extensions] = lines;
  if (origin === undefined || size === undefined || root === undefined) {
    throw new TlogError("malformed", `the checkpoint has ${lines.length} lines; it must have 3`);
  }
  const rootHash = fromBase64(root);
  checkHash(rootHash, "root");
  return { origin, size: parseDecimal(size, "size"), root: rootHash, extensions };
}

function checkLine(line: string): void {
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (line === "" || /[\u0000-\u001f]/.test(line) || !line.isWellFormed()) {
    throw new TlogError(
      "malformed",
      `${quote(line)} is no line of a checkpoint: empty or with control characters`,
    );
  }
}
