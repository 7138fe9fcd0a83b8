/**
 * What a line and its content hash must be, worked out slowly and independently: from the contract's words, with an
 * RFC 8785 implementation by others. Knows valid events only.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

export interface OracleStamp {
  readonly receivedAt: string;
  readonly keyTenant?: string | undefined;
  readonly eventId: string;
  readonly salt: string;
}

export interface OracleLine {
  readonly line: string;
  readonly contentHash: string;
}

type Members = Record<string, unknown>;

const DEFAULTS: Readonly<Members> = { category: "SYSTEM_EVENT", level: "INFO", message: "", metadata: {} };

export function oracleLine(input: Readonly<Members>, stamp: OracleStamp): OracleLine {
  const sent = Object.entries(input).filter(
    ([, value]) => value !== null && value !== "" && value !== undefined,
  );
  const event: Members = Object.fromEntries(sent.map(([name, value]) => [name, normalised(name, value)]));
  const filled = ["category", "event_id", "level", "message", "metadata", "timestamp"].filter(
    (name) => !(name in event),
  );
  const content: Members = {
    event_id: stamp.eventId,
    tenant_id: stamp.keyTenant ?? "default",
    ...DEFAULTS,
    ...event,
  };
  const line = canonical({
    timestamp: stamp.receivedAt,
    ...content,
    received_at: stamp.receivedAt,
    _v: 1,
    _salt: stamp.salt,
    _defaulted: filled,
  });
  return { line, contentHash: sha256(canonical(content)) };
}

/** Reads a line back and computes from its members alone what `decodeLine` cuts out of the text. */
export function oracleDecode(line: string): { contentHash: string; event: Members } {
  const { _v, _salt, _defaulted, ...event } = JSON.parse(line) as Members;
  const { received_at: _, ...content } = event;
  if (Array.isArray(_defaulted) && _defaulted.includes("timestamp")) delete content["timestamp"];
  return { contentHash: sha256(canonical(content)), event };
}

export function canonical(value: unknown): string {
  return canonicalize(value) ?? "";
}

function normalised(name: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (name === "action" || name === "service_name") return value.trim();
  if (name === "category") return value.toUpperCase();
  if (name === "level") return value.toUpperCase().replace("WARNING", "WARN");
  return value;
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
