/**
 * Receives bodies within bounds: of the route for each, and of memory for all together. Nothing beyond the limit is
 * kept, and a body that says it is too large is not received at all.
 */
import type { IncomingMessage } from "node:http";

export type ReceivedBody =
  | { readonly kind: "received"; readonly bytes: Buffer }
  /** `bytes` as the sender states them, undefined where it does not. */
  | { readonly kind: "too-large"; readonly bytes: number | undefined }
  | { readonly kind: "no-memory" }
  /** The connection ended first. */
  | { readonly kind: "gone" };

export interface BodyReader {
  /**
   * Release the bytes with `release` once the request is answered.
   * @param goOn called when the body is wanted, where its sender waits for that
   */
  receive(request: IncomingMessage, maxBytes: number, goOn?: () => void): Promise<ReceivedBody>;
  release(byteCount: number): void;
}

export function createBodyReader({ maxBufferedBytes }: { readonly maxBufferedBytes: number }): BodyReader {
  let buffered = 0;

  const receive: BodyReader["receive"] = (request, maxBytes, goOn) =>
    new Promise((resolve) => {
      const stated = statedLength(request);
      if (stated !== undefined && stated > maxBytes) {
        resolve({ kind: "too-large", bytes: stated });
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      const settle = (outcome: ReceivedBody): void => {
        request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
        if (outcome.kind !== "received") buffered -= size;
        resolve(outcome);
      };
      const onData = (chunk: Buffer): void => {
        if (size + chunk.length > maxBytes) return settle({ kind: "too-large", bytes: undefined });
        if (buffered + chunk.length > maxBufferedBytes) return settle({ kind: "no-memory" });
        size += chunk.length;
        buffered += chunk.length;
        chunks.push(chunk);
        return undefined;
      };
      const onEnd = (): void => {
        const [only] = chunks;
        const bytes = only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size);
        settle({ kind: "received", bytes });
      };
      const onGone = (): void => settle({ kind: "gone" });
      request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
      goOn?.();
    });

  const release = (byteCount: number): void => {
    buffered -= byteCount;
  };

  return { receive, release };
}

/** Bytes of the body as the sender states them. */
function statedLength(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  return header === undefined ? undefined : Number(header);
}

export function hasBody(request: IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || (statedLength(request) ?? 0) > 0;
}

export interface DrainLimits {
  readonly maxDrainBytes: number;
  readonly maxDrainMs: number;
}

/** Reads and throws away what is left of a body, bounded; then calls `done` once. */
export function drain(request: IncomingMessage, limits: DrainLimits, done: () => void): void {
  let left = limits.maxDrainBytes;
  const onData = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left < 0) finish();
  };
  const finish = (): void => {
    clearTimeout(timer);
    request.off("data", onData).off("end", finish).off("close", finish);
    done();
  };
  const timer = setTimeout(finish, limits.maxDrainMs);
  if (request.readableEnded || request.destroyed) finish();
  else {
    request.on("error", () => undefined); // the connection is given up anyway
    request.on("data", onData).on("end", finish).on("close", finish).resume();
  }
}
