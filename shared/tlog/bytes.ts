/** Bytes as values: comparison, joining, strict hexadecimal and strict UTF-8. */
import { TlogError } from "#tlog/tlog-error.ts";

const ENCODER = new TextEncoder();
// A byte order mark is content, as in Go: dropping it would change what was signed.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HEX_DIGITS = "0123456789abcdef";

/** Whether both hold the same bytes. Takes no constant time: nothing here is secret. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    if (left[at] !== right[at]) return false;
  }
  return true;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Lowercase, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_DIGITS.charAt(byte >> 4) + HEX_DIGITS.charAt(byte & 15);
  return text;
}

/** @throws TlogError `malformed` where the text is not lowercase hexadecimal of whole bytes */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) {
    throw new TlogError("malformed", `${quote(text)} is not lowercase hexadecimal`);
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16);
  }
  return bytes;
}

/** @throws TlogError `malformed` where the text has a lone surrogate, which UTF-8 cannot carry */
export function encodeUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new TlogError("malformed", `${quote(text)} is not well-formed Unicode`);
  return ENCODER.encode(text);
}

/** @throws TlogError `malformed` where the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new TlogError("malformed", `${bytes.length} bytes are not UTF-8`);
  }
}

/** An attacker's text for a message: at most 60 characters, control characters escaped. */
export function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown);
}
