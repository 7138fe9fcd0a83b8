/**
 * From the body of an API Gateway event to its text: base64, gzip, UTF-8. The body is attacker-controlled: its size is
 * checked on the wire, and decompression stops at the limit of the decoded body.
 */
import { isUtf8 } from "node:buffer";
import { promisify } from "node:util";
import { gunzip, gunzipSync } from "node:zlib";
import type { RouteBody } from "#http/route-parts.ts";
import { AuditServiceError, AuditValidationError } from "#lib/errors.ts";

export interface SentBody {
  readonly body?: string | undefined;
  readonly isBase64Encoded: boolean;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** Below it, decompressing at once costs less than handing the work to another thread and back. */
const MAX_SYNC_GZIP_BYTES = 16 * 1024;
const JSON_TYPE = /^application\/json[ \t]*(;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?;?$/i;
const MAX_SHOWN_CHARACTERS = 64;

const gunzipAsync = promisify(gunzip);

/**
 * The body as text, at once where that is cheap.
 * @throws AuditServiceError `unsupported-media-type`, `payload-too-large`, `malformed-json`
 */
export function readBody(sent: SentBody, limits: RouteBody): string | Promise<string> {
  const { body = "", contentType, contentEncoding } = sent;
  if (body === "" && limits.isOptional) return "{}";
  if (contentType === undefined || !JSON_TYPE.test(contentType)) throw wrongType(contentType);
  const encoding = contentEncoding?.toLowerCase();
  if (encoding === undefined || encoding === "identity" || encoding === "") {
    const maxBytes = Math.min(limits.maxWireBytes, limits.maxDecodedBytes);
    if (!sent.isBase64Encoded) return checkText(body, maxBytes);
    return decodeUtf8(checkSize(Buffer.from(body, "base64"), maxBytes));
  }
  if (encoding !== "gzip" && encoding !== "x-gzip") throw wrongEncoding(encoding);
  const packed = Buffer.from(body, sent.isBase64Encoded ? "base64" : "utf8");
  checkSize(packed, limits.maxWireBytes);
  return unpack(packed, limits.maxDecodedBytes);
}

function unpack(packed: Buffer, maxBytes: number): string | Promise<string> {
  const options = { maxOutputLength: maxBytes };
  if (packed.length > MAX_SYNC_GZIP_BYTES) {
    return gunzipAsync(packed, options).then(decodeUtf8, (cause: unknown) => {
      throw gzipError(cause, maxBytes);
    });
  }
  try {
    return decodeUtf8(gunzipSync(packed, options));
  } catch (cause) {
    throw cause instanceof AuditServiceError ? cause : gzipError(cause, maxBytes);
  }
}

function gzipError(cause: unknown, maxBytes: number): AuditServiceError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE") {
    const message = `the body is more than ${maxBytes} bytes after decompression, which is the limit`;
    return new AuditValidationError("payload-too-large", message, { cause });
  }
  return new AuditValidationError("malformed-json", "the body is not valid gzip", { cause });
}

function decodeUtf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw new AuditValidationError("malformed-json", "the body is not valid UTF-8");
}

function checkSize(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length > maxBytes) throw bodyTooLarge(bytes.length, maxBytes);
  return bytes;
}

function checkText(text: string, maxBytes: number): string {
  if (text.length * 3 > maxBytes) {
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) throw bodyTooLarge(bytes, maxBytes);
  }
  return text;
}

/** @param bytes undefined where the body was not read to its end */
export function bodyTooLarge(bytes: number | undefined, maxBytes: number): AuditServiceError {
  const size = bytes === undefined ? `more than ${maxBytes} bytes` : `${bytes} bytes`;
  return new AuditValidationError(
    "payload-too-large",
    `the body is ${size}; the limit of this route is ${maxBytes}`,
  );
}

function wrongType(contentType: string | undefined): AuditServiceError {
  const given =
    contentType === undefined
      ? "names no content-type"
      : `is ${JSON.stringify(contentType.slice(0, MAX_SHOWN_CHARACTERS))}`;
  return new AuditValidationError(
    "unsupported-media-type",
    `the body ${given}; send content-type: application/json (in UTF-8)`,
  );
}

function wrongEncoding(encoding: string): AuditServiceError {
  const shown = JSON.stringify(encoding.slice(0, MAX_SHOWN_CHARACTERS));
  return new AuditValidationError(
    "unsupported-media-type",
    `the content-encoding is ${shown}; only gzip and none are taken`,
  );
}
