/** What the local gateway bounds, with defaults: memory and time that one client, or all together, can take. */

export interface GatewayLimits {
  /** Request line and headers. */
  readonly maxHeaderBytes: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to its last; API Gateway gives no more than 30 s either. */
  readonly requestTimeoutMs: number;
  /** How often the two timeouts above are looked at. */
  readonly checkIntervalMs: number;
  /** How long a connection may wait for its next request. */
  readonly keepAliveMs: number;
  /** How long a connection may be silent in both directions, also while it does not read its answer. */
  readonly silenceMs: number;
  /** Connections that are served; more are answered 503, and far more are dropped. */
  readonly maxConnections: number;
  /** Requests under way. */
  readonly maxRequests: number;
  /** Bodies being received or handled, in all. */
  readonly maxBufferedBytes: number;
  /** Requests with a compressed body that are handled at once: 64 KiB on the wire can be 8 MiB behind it. */
  readonly maxUnpackedRequests: number;
  /** Answers that are written but not read by their clients, in all. */
  readonly maxUnsentBytes: number;
  /** How long a client may leave an answer unread while these bytes are short; then its connection is ended. */
  readonly unsentGraceMs: number;
  /** How much of a refused body is read and thrown away so that its sender can read the answer. */
  readonly maxDrainBytes: number;
  readonly maxDrainMs: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  checkIntervalMs: 1000,
  keepAliveMs: 30_000,
  silenceMs: 120_000,
  maxConnections: 1024,
  maxRequests: 2048,
  maxBufferedBytes: 64 * 1024 * 1024,
  maxUnpackedRequests: 4,
  maxUnsentBytes: 64 * 1024 * 1024,
  unsentGraceMs: 5000,
  maxDrainBytes: 32 * 1024 * 1024,
  maxDrainMs: 5000,
};
