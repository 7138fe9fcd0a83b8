/** The calls of the HTTP API about the log: proofs, exact lines, and the feed. */
import * as z from "zod";
import type { EventProof, FeedEvent, FeedOptions, ProofOptions } from "#client/audit-service.ts";
import { readAnswer } from "#client/http-calls.ts";
import { errorFromResponse } from "#client/problem.ts";
import { search } from "#client/query-parameters.ts";
import type { HttpAnswer, HttpCall, Transport } from "#client/transport.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** Longest wait that the service takes; beside it a call has the time of any other. */
const FOLLOW_WAIT_S = 20;
const NOT_FOUND_STATUS = 404;

const Proof = z.object({
  event_id: z.string(),
  leaf_index: z.int(),
  log_size: z.int(),
  leaf_hash: z.string(),
  hashes: z.array(z.string()),
  checkpoint: z.string(),
  proof: z.string(),
  line: z.string(),
  content_hash: z.string(),
});
const FeedPage = z.object({
  events: z.array(z.custom<FeedEvent>(isPlainObject)),
  unreadable_leaves: z.array(z.int()),
  next_after: z.int(),
  has_more: z.boolean(),
});

interface CallTime {
  /** Of a call that waits for nothing. */
  readonly timeoutMs: number;
}

/** What is not sealed yet is not asked for again: the caller decides. */
export async function fetchProof(
  transport: Transport,
  eventId: string,
  { waitS, tenantId, timeoutMs }: ProofOptions & CallTime,
): Promise<EventProof | undefined> {
  const answer = await transport({
    method: "GET",
    target: `/events/${encodeURIComponent(eventId)}/proof${search({ wait: waitS, tenant_id: tenantId })}`,
    headers: { accept: "application/json" },
    timeoutMs: timeoutMs + (waitS ?? 0) * 1000,
    expected: [NOT_FOUND_STATUS],
  });
  return isFound(answer) ? readAnswer(Proof, answer) : undefined;
}

export async function fetchLine(
  transport: Transport,
  eventId: string,
  tenantId: string | undefined,
): Promise<string | undefined> {
  const target = `/events/${encodeURIComponent(eventId)}/line${search({ tenant_id: tenantId })}`;
  const answer = await transport({ method: "GET", target, expected: [NOT_FOUND_STATUS] });
  return isFound(answer) ? answer.text : undefined;
}

/** From page to page, by the place that each ends at. */
export async function* fetchFeed(
  transport: Transport,
  { after = -1, limit, tenantId, follow = false, onUnreadable, timeoutMs }: FeedOptions & CallTime,
): AsyncGenerator<FeedEvent> {
  const wait = follow ? FOLLOW_WAIT_S : undefined;
  for (let place = after; ; ) {
    const call: HttpCall = {
      method: "GET",
      target: `/events/feed${search({ after: place, limit, wait, tenant_id: tenantId })}`,
      timeoutMs: timeoutMs + (wait ?? 0) * 1000,
    };
    const page: z.infer<typeof FeedPage> = readAnswer(FeedPage, await transport(call));
    if (page.unreadable_leaves.length > 0) onUnreadable?.(page.unreadable_leaves);
    yield* page.events;
    if (!page.has_more && !follow) return;
    if (page.has_more && page.next_after <= place)
      throw new AuditServiceError("internal", `the feed does not get beyond leaf ${place}`);
    place = page.next_after;
  }
}

/** @throws AuditServiceError as the service says, unless it is that no such event is stored */
function isFound(answer: HttpAnswer): boolean {
  if (answer.status !== NOT_FOUND_STATUS) return true;
  const error = errorFromResponse({ ...answer, body: answer.text });
  if (error.code === "event-not-found") return false;
  throw error;
}
