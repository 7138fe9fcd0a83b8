/**
 * A batch of events that a caller hands over: those that have no faithful JSON form are refused here, the others are
 * sent, and the answer is about all of them, by their place in the caller's batch.
 */
import type { BatchEntry, BatchReceipt, LoggableEvent } from "#client/audit-service.ts";
import type { EncodeOptions, Encoding } from "#client/encode-event.ts";
import { encodeEvent } from "#client/encode-event.ts";
import { rejectedEntries } from "#client/problem.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import { AuditValidationError } from "#lib/errors.ts";

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

/** @throws AuditValidationError `validation-failed` where none is valid, or one is not and `isAtomic` */
export async function sendBatch(
  batch: EncodedBatch,
  isAtomic: boolean,
  send: (events: readonly string[], isAtomic: boolean) => Promise<BatchReceipt>,
): Promise<BatchReceipt> {
  const { events, places, refused } = batch;
  const isHopeless = events.length === 0 || (isAtomic && refused.length > 0);
  if (isHopeless) throw refusedBatch(refused, events.length + refused.length);
  const restore = (entry: BatchEntry): BatchEntry => ({
    ...entry,
    index: places[entry.index] ?? entry.index,
  });
  try {
    const receipt = await send(events, isAtomic);
    return { ...receipt, results: inOrder([...receipt.results.map(restore), ...refused]) };
  } catch (error) {
    const rejected = rejectedEntries(error, events.length);
    if (rejected === undefined) throw error;
    throw refusedBatch(
      inOrder([...rejected.map(restore), ...refused]),
      events.length + refused.length,
      error,
    );
  }
}

function inOrder(entries: readonly BatchEntry[]): BatchEntry[] {
  return entries.toSorted((a, b) => a.index - b.index);
}

function refusedBatch(results: readonly BatchEntry[], count: number, cause?: unknown): AuditValidationError {
  const errors = results.flatMap(({ index, errors: reasons = [] }) =>
    reasons.map(({ path, message }) => ({ path: `/events/${index}${path}`, message })),
  );
  const message = `${results.length} of ${count} events are not valid; nothing was accepted`;
  return new AuditValidationError("validation-failed", message, {
    errors,
    details: { events_logged: 0, event_ids: [], results },
    ...(cause === undefined ? {} : { cause }),
  });
}
