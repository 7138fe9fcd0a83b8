/**
 * Answers that are not finished, by connection: how many, how many bytes their clients have not read yet, and which
 * one comes before another. Exact also where a connection ends with answers still queued on it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export class OpenResponses {
  private readonly bySocket = new Map<Duplex, Map<ServerResponse, number>>();
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
    open.set(response, 0);
    this.responseCount++;
    response.once("close", () => this.forget(socket, response));
    return before;
  }

  /** Notes that a response has been written, of which its client may read nothing for long. */
  noteWritten(response: ServerResponse, byteCount: number): void {
    const open = this.bySocket.get(response.req.socket);
    const known = open?.get(response);
    if (open === undefined || known === undefined) return;
    open.set(response, known + byteCount);
    this.unsentByteCount += byteCount;
  }

  ofSocket(socket: Duplex): readonly ServerResponse[] {
    return [...(this.bySocket.get(socket)?.keys() ?? [])];
  }

  private forget(socket: Duplex, response: ServerResponse): void {
    const open = this.bySocket.get(socket);
    const bytes = open?.get(response);
    if (open === undefined || bytes === undefined) return;
    open.delete(response);
    this.responseCount--;
    this.unsentByteCount -= bytes;
  }

  private forgetSocket(socket: Duplex): void {
    for (const response of this.ofSocket(socket)) this.forget(socket, response);
    this.bySocket.delete(socket);
  }
}
