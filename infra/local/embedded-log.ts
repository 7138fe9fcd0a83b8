/** Proofs, exact lines and the feed of the log in this very process, as the client over HTTP gives them. */
import type { AuditService } from "#client/audit-service.ts";
import type { Lifecycle } from "#client/lifecycle.ts";
import { DEFAULT_TENANT } from "#event/audit-event.ts";
import type { StoredAuditEvent } from "#event/audit-event.ts";
import { readEvent } from "#event/stored-line.ts";
import { proofMembers } from "#functions/prove/event-proof-json.ts";
import { FeedParameters, ProofParameters } from "#http/parameters.ts";
import { readParameters } from "#http/query-string.ts";
import { MAX_FEED_LEAVES, SEALS_AFTER_S } from "#infra/local/log-limits.ts";
import type { ReadableLog } from "#infra/local/unsealed-log.ts";
import { AuditQueryError } from "#lib/errors.ts";
import { createFeed } from "#service/feed.ts";
import { MAX_WAIT_S } from "#service/find.ts";
import { createProve } from "#service/prove.ts";
import { createLogReader } from "#service/read-log.ts";
import type { Sleep } from "#service/waiting.ts";

export interface EmbeddedLogOptions {
  readonly run: Lifecycle["run"];
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
}

export function createEmbeddedLog(
  { leaves, objects }: ReadableLog,
  { run, monotonicMs, sleep }: EmbeddedLogOptions,
): Pick<AuditService, "proof" | "line" | "feed"> {
  const reading = { leaves, log: createLogReader(objects), monotonicMs, sleep };
  const prove = createProve({ ...reading, sealsAfterS: SEALS_AFTER_S });
  const readPage = createFeed({ ...reading, maxLeaves: MAX_FEED_LEAVES });

  return {
    proof: (eventId, { tenantId = DEFAULT_TENANT, waitS } = {}) =>
      run(async () => {
        const { wait = 0 } = readParameters(ProofParameters, given({ wait: waitS, tenant_id: tenantId }));
        const proof = await orUndefined(prove.proof({ tenantId, eventId }, wait * 1000));
        return proof && proofMembers(eventId, proof);
      }),
    line: (eventId, { tenantId = DEFAULT_TENANT } = {}) =>
      run(() => orUndefined(prove.line({ tenantId, eventId }))),
    async *feed({ after, limit: pageLimit, tenantId = DEFAULT_TENANT, follow = false, onUnreadable } = {}) {
      const asked = given({ after, limit: pageLimit, tenant_id: tenantId });
      const { after: first, limit } = await run(async () => readParameters(FeedParameters, asked));
      const waitMs = follow ? MAX_WAIT_S * 1000 : 0;
      for (let place = first; ; ) {
        const request = { tenantId, after: place, limit, waitMs };
        const page = await run(() => readPage(request));
        if (page.unreadable_leaves.length > 0) onUnreadable?.(page.unreadable_leaves);
        yield* page.events.map(readFeedEvent);
        if (!page.has_more && !follow) return;
        place = page.next_after;
      }
    },
  };
}

/** As parameters of the HTTP API, whose rules hold here too. */
function given(
  parameters: Readonly<Record<string, string | number | undefined>>,
): readonly (readonly [string, string])[] {
  return Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AuditQueryError && error.code === "event-not-found") return undefined;
    throw error;
  }
}

function readFeedEvent(json: string): StoredAuditEvent & { readonly leaf_index: number } {
  // cast: the feed has put it before the members of the event
  return readEvent(json) as StoredAuditEvent & { readonly leaf_index: number };
}
