/**
 * A batch of events that a caller hands over: those that have no faithful JSON form are refused here, the others are
 * sent, and the answer is about all of them, by their place in the caller's batch.
 */
import type { BatchEntry, BatchReceipt, LoggableEvent } from "#client/audit-service.ts";
import type { EncodeOptions, Encoding } from "#client/encode-event.ts";
import { encodeEvent } from "#client/encode-event.ts";
import { rejectedEntries } from "#client/problem.ts";
import { MAX_BATCH_EVENTS, MAX_DECODED_BODY_BYTES } from "#event/limits.ts";
import { AuditValidationError } from "#lib/errors.ts";

/** Leaves room for the brackets around the events. */
const MAX_PART_BYTES = MAX_DECODED_BODY_BYTES - 64;

export interface EncodedBatch {
  /** JSON texts of the events that can be sent. */
  readonly events: readonly string[];
  /** Place of each of them in the caller's batch. */
  readonly places: readonly number[];
  /** Entries of those that cannot. */
  readonly refused: readonly BatchEntry[];
}

/** @throws AuditValidationError `validation-failed` where the batch is empty or too long */
export function encodeBatch(events: readonly LoggableEvent[], options: EncodeOptions): EncodedBatch {
  if (events.length < 1 || events.length > MAX_BATCH_EVENTS) {
    const message = `holds ${events.length} events; a batch holds 1 to ${MAX_BATCH_EVENTS}`;
    throw new AuditValidationError("validation-failed", `the batch ${message}`, {
      errors: [{ path: "/events", message }],
    });
  }
  const encodings = events.map((event): Encoding => encodeEvent(event, options));
  return {
    events: encodings.flatMap((encoding) => (encoding.kind === "encoded" ? [encoding.json] : [])),
    places: encodings.flatMap(({ kind }, index) => (kind === "encoded" ? [index] : [])),
    refused: encodings.flatMap((encoding, index) =>
      encoding.kind === "refused"
        ? [{ index, status: "rejected", code: "validation-failed", errors: encoding.errors }]
        : [],
    ),
  };
}

/**
 * Sends the batch, in as many requests as its size needs, one after the other.
 * @throws AuditValidationError `validation-failed` where none is valid, or one is not and `isAtomic`
 */
export async function sendBatch(
  batch: EncodedBatch,
  isAtomic: boolean,
  send: (events: readonly string[], isAtomic: boolean) => Promise<BatchReceipt>,
): Promise<BatchReceipt> {
  const { refused } = batch;
  const count = batch.events.length + refused.length;
  if (isAtomic && refused.length > 0) throw refusedBatch(refused, count);
  const results: BatchEntry[] = [...refused];
  let duplicates: number | undefined = 0;
  let isTaken = false;
  // What is to be accepted as a whole travels as a whole, or is refused as too large.
  for (const { events, places } of isAtomic ? [batch] : partsOf(batch)) {
    const receipt = await sendPart(events, isAtomic, send);
    results.push(
      ...receipt.results.map((entry) => ({ ...entry, index: places[entry.index] ?? entry.index })),
    );
    duplicates = sum(duplicates, receipt.duplicates);
    isTaken ||= !receipt.isRefused;
  }
  results.sort((a, b) => a.index - b.index);
  const ids = results.flatMap(({ status, event_id }) =>
    status === "accepted" && event_id !== undefined ? [event_id] : [],
  );
  if (!isTaken) throw refusedBatch(results, count);
  return { events_logged: ids.length, event_ids: ids, results, duplicates };
}

interface PartReceipt extends Pick<BatchReceipt, "results" | "duplicates"> {
  /** None of it was valid. */
  readonly isRefused: boolean;
}

/** The receipt of a request, also where none of it was valid. */
async function sendPart(
  events: readonly string[],
  isAtomic: boolean,
  send: (events: readonly string[], isAtomic: boolean) => Promise<BatchReceipt>,
): Promise<PartReceipt> {
  try {
    return { ...(await send(events, isAtomic)), isRefused: false };
  } catch (error) {
    const results = rejectedEntries(error, events.length);
    if (results === undefined) throw error;
    return { results, duplicates: 0, isRefused: true };
  }
}

function partsOf({ events, places }: EncodedBatch): Pick<EncodedBatch, "events" | "places">[] {
  const parts: { events: string[]; places: number[] }[] = [];
  let bytes = Number.POSITIVE_INFINITY;
  events.forEach((event, index) => {
    const size = Buffer.byteLength(event) + 1;
    if (bytes + size > MAX_PART_BYTES) {
      parts.push({ events: [], places: [] });
      bytes = 0;
    }
    parts.at(-1)?.events.push(event);
    parts.at(-1)?.places.push(places[index] ?? index);
    bytes += size;
  });
  return parts;
}

/** Known only where every part of it is. */
function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function refusedBatch(results: readonly BatchEntry[], count: number): AuditValidationError {
  const errors = results.flatMap(({ index, errors: reasons = [] }) =>
    reasons.map(({ path, message }) => ({ path: `/events/${index}${path}`, message })),
  );
  const message = `${results.length} of ${count} events are not valid; nothing was accepted`;
  return new AuditValidationError("validation-failed", message, {
    errors,
    details: { events_logged: 0, event_ids: [], results },
  });
}
