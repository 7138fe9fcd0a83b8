/** Base64 of RFC 4648 section 4, strict: padded, canonical, nothing but the alphabet. One text for each value. */
import { quote } from "#tlog/bytes.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NOT_A_DIGIT = 255;
const VALUES = valuesOf(ALPHABET);

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += ALPHABET.charAt(bits >> 18) + ALPHABET.charAt((bits >> 12) & 63);
    text += left > 1 ? ALPHABET.charAt((bits >> 6) & 63) : "=";
    text += left > 2 ? ALPHABET.charAt(bits & 63) : "=";
  }
  return text;
}

/** @throws TlogError `malformed` where `text` is not the one encoding of some bytes */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw notBase64(text);
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let held = 0;
  let heldBits = 0;
  let to = 0;
  for (let at = 0; at < digits; at += 1) {
    const value = VALUES[text.charCodeAt(at)] ?? NOT_A_DIGIT;
    if (value === NOT_A_DIGIT) throw notBase64(text);
    held = ((held << 6) | value) & 0x3fff;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[to] = held >> heldBits;
    to += 1;
  }
  const leftOver = held & ((1 << heldBits) - 1);
  if (leftOver !== 0) throw notBase64(text);
  return bytes;
}

function notBase64(text: string): TlogError {
  return new TlogError("malformed", `${quote(text)} is not canonical padded base64`);
}

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(NOT_A_DIGIT);
  for (let value = 0; value < alphabet.length; value += 1) values[alphabet.charCodeAt(value)] = value;
  return values;
}
