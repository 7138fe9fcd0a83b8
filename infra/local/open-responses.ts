/**
 * Answers that are not finished, by connection: how many, how many bytes their clients have not read yet, and which
 * one comes before another. Exact also where a connection ends with answers still queued on it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";

/** What a client has not read of an answer. */
interface Unsent {
  readonly bytes: number;
  /** When it was written; undefined before that. Milliseconds of a clock that only goes forward. */
  readonly sinceMs: number | undefined;
}

export class OpenResponses {
  private readonly bySocket = new Map<Duplex, Map<ServerResponse, Unsent>>();
  private responseCount = 0;
  private unsentByteCount = 0;

  get count(): number {
    return this.responseCount;
  }

  get unsentBytes(): number {
    return this.unsentByteCount;
  }

  /** Notes a new response; answers the one before it on its connection, where that is not finished. */
  add({ socket }: IncomingMessage, response: ServerResponse): ServerResponse | undefined {
    let open = this.bySocket.get(socket);
    if (open === undefined) {
      open = new Map();
      this.bySocket.set(socket, open);
      socket.once("close", () => this.forgetSocket(socket));
    }
    const before = open.size === 0 ? undefined : [...open.keys()].at(-1);
    open.set(response, { bytes: 0, sinceMs: undefined });
    this.responseCount++;
    response.once("close", () => this.forget(socket, response));
    return before;
  }

  /** Notes that a response has been written, of which its client may read nothing for long. */
  noteWritten(response: ServerResponse, byteCount: number): void {
    const open = this.bySocket.get(response.req.socket);
    const known = open?.get(response);
    if (open === undefined || known === undefined) return;
    open.set(response, { bytes: known.bytes + byteCount, sinceMs: performance.now() });
    this.unsentByteCount += byteCount;
  }

  /** Ends connections whose clients have not read an answer for `graceMs`, the slowest first, down to `maxBytes` in all. */
  endSlowest(maxBytes: number, graceMs: number): void {
    const latest = performance.now() - graceMs;
    const slow = [...this.bySocket].flatMap(([socket, open]) => {
      const since = Math.min(...[...open.values()].map(({ sinceMs }) => sinceMs ?? Number.POSITIVE_INFINITY));
      return since <= latest ? [{ socket, since }] : [];
    });
    for (const { socket } of slow.sort((a, b) => a.since - b.since)) {
      if (this.unsentByteCount <= maxBytes) return;
      this.forgetSocket(socket);
      socket.destroy();
    }
  }

  ofSocket(socket: Duplex): readonly ServerResponse[] {
    return [...(this.bySocket.get(socket)?.keys() ?? [])];
  }

  private forget(socket: Duplex, response: ServerResponse): void {
    const open = this.bySocket.get(socket);
    const known = open?.get(response);
    if (open === undefined || known === undefined) return;
    open.delete(response);
    this.responseCount--;
    this.unsentByteCount -= known.bytes;
  }

  private forgetSocket(socket: Duplex): void {
    for (const response of this.ofSocket(socket)) this.forget(socket, response);
    this.bySocket.delete(socket);
  }
}
