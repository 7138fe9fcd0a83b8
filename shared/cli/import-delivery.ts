/**
 * Two ways to deliver a batch of an import: to the log, or, for a dry run, to the validation alone. A conflict with an
 * event that shows the same facts is none: a log that filled in the time of an event itself takes the time that its
 * export names for other content.
 */
import type { ImportItem } from "#cli/import-items.ts";
import type { Verdict } from "#cli/importer.ts";
import type { AuditService, BatchEntry, BatchReceipt } from "#client/audit-service.ts";
import { rejectedEntries } from "#client/problem.ts";
import type { AuditEventDraft } from "#event/audit-event.ts";
import { MAX_VALUE_DEPTH } from "#event/limits.ts";
import type { Stamp } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { canonicalJson } from "#lib/canonical-json.ts";

/** Containers around the values that MAX_VALUE_DEPTH limits: event, changes, change. */
const WRAPPING_DEPTH = 3;

export async function deliverToLog(
  audit: AuditService,
  items: readonly ImportItem[],
  nowMs: number,
): Promise<Verdict> {
  // cast: the service validates every draft and names what does not fit.
  const drafts = items.map(({ draft }) => draft as AuditEventDraft);
  const { results, duplicates } = await logAll(audit, drafts);
  const rejected: BatchEntry[] = [];
  let same = 0;
  for (const entry of results) {
    if (entry.status === "accepted") continue;
    const isSame =
      entry.code === "event-id-conflict" &&
      (await showsTheSame(audit, entry, { draft: drafts[entry.index], nowMs }));
    if (isSame) same++;
    else rejected.push(entry);
  }
  return { rejected, duplicates: duplicates === undefined ? undefined : duplicates + same };
}

/** The results of a batch, also where none of it was accepted. */
async function logAll(
  audit: AuditService,
  drafts: readonly AuditEventDraft[],
): Promise<Pick<BatchReceipt, "results" | "duplicates">> {
  try {
    return await audit.logBatch(drafts);
  } catch (error) {
    const results = rejectedEntries(error, drafts.length);
    if (results === undefined) throw error;
    return { results, duplicates: 0 };
  }
}

async function showsTheSame(
  audit: AuditService,
  { event_id: eventId }: BatchEntry,
  { draft, nowMs }: { readonly draft: AuditEventDraft | undefined; readonly nowMs: number },
): Promise<boolean> {
  const preparation = prepareEvent(draft, dryStamp(nowMs));
  if (eventId === undefined || preparation.kind === "refused") return false;
  const { event } = preparation.line;
  const found = await audit.get(eventId, { tenantId: event.tenant_id });
  if (found === undefined) return false;
  const { content_hash: _hash, received_at: _receivedAt, conflicts: _conflicts, ...stored } = found;
  const given = Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
  const depth = MAX_VALUE_DEPTH + WRAPPING_DEPTH;
  return canonicalJson(given, depth) === canonicalJson(stored, depth);
}

export function deliverToNobody(items: readonly ImportItem[], nowMs: number): Verdict {
  const stamp = dryStamp(nowMs);
  const rejected = items.flatMap(({ draft }, index): BatchEntry[] => {
    const preparation = prepareEvent(draft, stamp);
    if (preparation.kind === "prepared") return [];
    return [{ index, status: "rejected", code: preparation.code, errors: preparation.errors }];
  });
  return { rejected, duplicates: 0 };
}

/** For a validation whose outcome nobody stores. */
function dryStamp(nowMs: number): Stamp {
  return {
    receivedAtMs: nowMs,
    receivedAt: new Date(nowMs).toISOString(),
    keyTenant: undefined,
    newEventId: () => "dry-run",
    newSalt: () => "",
  };
}
