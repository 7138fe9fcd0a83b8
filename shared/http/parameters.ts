/** URL parameters and small bodies of the HTTP API as schemas, where no module of its own checks them. */
import * as z from "zod";
import { EventId, TenantId } from "#event/audit-event.ts";
import { DEFAULT_FEED_LIMIT, MAX_FEED_LIMIT } from "#service/feed.ts";
import { MAX_WAIT_S } from "#service/find.ts";
import { MAX_FLUSH_EVENT_IDS } from "#service/flush.ts";

/** `true` or `false`, as text. */
const flag = z
  .enum(["true", "false"], { error: "is neither true nor false" })
  .transform((text) => text === "true")
  .pipe(z.boolean());

/** An integer as text. */
const whole = (min: number, max: number): z.ZodPipe<z.ZodType<number, string>, z.ZodInt> => {
  const error = `is not an integer from ${min} to ${max}`;
  const text = z.string().regex(/^(?:0|-?[1-9]\d{0,15})$/, { error });
  return text.transform(Number).pipe(z.int({ error }).min(min, { error }).max(max, { error }));
};

const wait = whole(1, MAX_WAIT_S);

const tenant = TenantId.meta({ description: "whose event; only where no keys are configured" });

export const NoParameters = z.strictObject({});
export const BatchParameters = z.strictObject({
  atomic: flag.default(false).meta({ description: "any event invalid: accept none" }),
});
export const EventParameters = z.strictObject({
  wait: wait.optional().meta({ description: "seconds to wait for the event to be stored" }),
  tenant_id: tenant.optional(),
});
export const LineParameters = z.strictObject({ tenant_id: tenant.optional() });
export const ProofParameters = z.strictObject({
  wait: wait.optional().meta({ description: "seconds to wait for the event to be stored and sealed" }),
  tenant_id: tenant.optional(),
});
export const FeedParameters = z.strictObject({
  after: whole(-1, Number.MAX_SAFE_INTEGER).default(-1).meta({
    description: "leaf behind which the page begins, as `next_after` gives it; -1: from the beginning",
  }),
  limit: whole(1, MAX_FEED_LIMIT).default(DEFAULT_FEED_LIMIT).meta({ description: "events at most" }),
  wait: wait.optional().meta({ description: "seconds to wait, at the end of the log, for it to grow" }),
  tenant_id: TenantId.meta({ description: "whose events; only where no keys are configured" }).optional(),
});
export const FlushParameters = z.strictObject({ tenant_id: tenant.optional() });

/** What the id of a conflict has behind the id that its event was sent with. */
const DERIVED_ENDING = /![0-9a-f]{32}$/;

/** An id that a stored event can have. */
const StoredEventId = z
  .string()
  .refine((id) => storedIdProblem(id) === undefined, { error: ({ input }) => storedIdProblem(String(input)) })
  .meta({
    description: "the event_id of an event, or an id that its conflicts list",
    pattern: "^[A-Za-z0-9._:-]{1,128}(![0-9a-f]{32})?$",
    maxLength: 161,
  });

function storedIdProblem(id: string): string | undefined {
  const parsed = EventId.safeParse(id.replace(DERIVED_ENDING, ""));
  return parsed.success ? undefined : (parsed.error.issues[0]?.message ?? "is no event id");
}

export const FlushRequest = z.strictObject({
  event_ids: z.array(StoredEventId).max(MAX_FLUSH_EVENT_IDS).optional(),
});
