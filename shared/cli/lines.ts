/**
 * Bytes cut into lines as they arrive, so that a file of any size is read in little memory. A line too long to be an
 * event is passed over without being kept, and reported by its number.
 */
import { MAX_EVENT_BODY_BYTES } from "#event/limits.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { parseStrictJson } from "#lib/strict-json.ts";

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined where the line is longer than asked for. */
  readonly bytes: Buffer | undefined;
}

const NEWLINE = 10;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** One list per chunk: an iteration per line would cost more than reading it. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number = MAX_EVENT_BODY_BYTES,
): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let parts: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else parts = [];
  };
  const finish = (): Line => {
    number++;
    const bytes = length <= maxBytes ? Buffer.concat(parts) : undefined;
    parts = [];
    length = 0;
    const hasMark =
      number === 1 && bytes?.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) === true;
    return { number, bytes: hasMark ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes };
  };
  for await (const data of chunks) {
    const chunk = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      lines.push(finish());
      from = at + 1;
    }
    if (from < chunk.length) keep(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [finish()];
}

export type ReadLine =
  | { readonly kind: "blank" }
  | { readonly kind: "value"; readonly value: unknown; readonly text: string }
  /** Not JSON, or JSON that JavaScript would change. Paths are into the line's value. */
  | { readonly kind: "refused"; readonly errors: readonly FieldError[] };

const decoder = new TextDecoder("utf-8", { fatal: true });

/** @param maxBytes as given to `splitLines` */
export function readLine({ bytes }: Line, maxBytes: number = MAX_EVENT_BODY_BYTES): ReadLine {
  if (bytes === undefined) {
    return refused(`the line is longer than ${maxBytes} bytes; no event is`);
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return refused("the line is not valid UTF-8"); // the decoder knows no more than that
  }
  return text.trim() === "" ? { kind: "blank" } : readJson(text, "the line");
}

/** @param what names the text in an error */
export function readJson(text: string, what: string): Exclude<ReadLine, { kind: "blank" }> {
  try {
    const { value, problems } = parseStrictJson(text);
    return problems.length > 0 ? { kind: "refused", errors: problems } : { kind: "value", value, text };
  } catch (error) {
    if (!(error instanceof AuditServiceError)) throw error;
    return refused(error.message.replace(/^the body/, what));
  }
}

function refused(message: string): Extract<ReadLine, { kind: "refused" }> {
  return { kind: "refused", errors: [{ path: "", message }] };
}

/** The reasons why something was refused, on one line. */
export function describeErrors(errors: readonly FieldError[]): string {
  return errors.map(({ path, message }) => (path === "" ? message : `${path} ${message}`)).join("; ");
}
