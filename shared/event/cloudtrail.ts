/**
 * CloudTrail records as audit events, by the mapping of the contract. A record that does not fit is refused with the
 * reason, never cut; the whole record is kept in `metadata.cloudtrail`. Records are foreign input.
 */
import * as z from "zod";
import type { AuditEventDraft, Category } from "#event/audit-event.ts";
import { MAX_SOURCE_IP_BYTES, MAX_USER_AGENT_BYTES } from "#event/limits.ts";
import { plainMessage } from "#event/schema-messages.ts";
import type { FieldError } from "#lib/errors.ts";
import { toPointer } from "#lib/json-pointer.ts";
import { fitsUtf8, stringProblem } from "#lib/text.ts";

export type CloudTrailConversion =
  | { readonly kind: "converted"; readonly draft: AuditEventDraft }
  /** Paths are JSON Pointers into the record. */
  | { readonly kind: "refused"; readonly errors: readonly FieldError[] };

/** CloudTrail writes null for an absent member here and there. */
const text = z.string().nullish();

/** The members of a record that the mapping reads; the record is kept whole, whatever else it holds. */
const CloudTrailRecord = z.looseObject({
  eventID: z.string(),
  eventTime: z.string(),
  eventSource: z.string(),
  eventName: z.string(),
  readOnly: z.boolean().nullish(),
  userIdentity: z.looseObject({ arn: text, principalId: text, invokedBy: text, accountId: text }).nullish(),
  requestID: text,
  errorCode: text,
  errorMessage: text,
  sourceIPAddress: text,
  userAgent: text,
  resources: z.array(z.looseObject({ type: text, ARN: text })).nullish(),
});
type CloudTrailRecord = z.infer<typeof CloudTrailRecord>;

/** The records of a parsed CloudTrail log file, or undefined where it is none. */
export function cloudTrailRecords(file: unknown): readonly unknown[] | undefined {
  const parsed = z.looseObject({ Records: z.array(z.unknown()) }).safeParse(file);
  return parsed.success ? parsed.data.Records : undefined;
}

/** A draft of the record's event; whether the draft keeps the limits of the event model, the service says. */
export function convertCloudTrail(record: unknown): CloudTrailConversion {
  const parsed = CloudTrailRecord.safeParse(record);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      path: toPointer(issue.path),
      message: plainMessage(issue),
    }));
    return { kind: "refused", errors };
  }
  const { data } = parsed;
  const userId = userOf(data);
  const resource = data.resources?.[0];
  const draft: AuditEventDraft = {
    event_id: data.eventID,
    timestamp: data.eventTime,
    service_name: data.eventSource,
    action: data.eventName,
    level: isGiven(data.errorCode) ? "ERROR" : "INFO",
    category: categoryOf(data),
    user_id: userId,
    request_id: data.requestID,
    error_code: data.errorCode,
    error_message: data.errorMessage,
    source_ip: within(data.sourceIPAddress, MAX_SOURCE_IP_BYTES),
    user_agent: within(data.userAgent, MAX_USER_AGENT_BYTES),
    resource_type: resource?.type,
    resource_id: resource?.ARN,
    message: userId === undefined ? data.eventName : `${data.eventName} by ${userId}`,
    metadata: { cloudtrail: record },
  };
  return { kind: "converted", draft: withoutAbsent(draft) };
}

function userOf({ userIdentity }: CloudTrailRecord): string | undefined {
  const { arn, principalId, invokedBy, accountId } = userIdentity ?? {};
  return [arn, principalId, invokedBy, accountId].find(isGiven);
}

function isGiven(value: string | null | undefined): value is string {
  return value !== undefined && value !== null && value !== "";
}

function categoryOf({ eventName, eventSource, readOnly }: CloudTrailRecord): Category {
  const isSts = eventSource === "sts.amazonaws.com";
  const isSignIn =
    eventName === "ConsoleLogin" ||
    (isSts && (eventName.startsWith("AssumeRole") || eventName === "GetSessionToken"));
  if (isSignIn) return "AUTHENTICATION";
  return readOnly === true ? "DATA_ACCESS" : "DATA_MODIFICATION";
}

/** These two only describe the caller, and the record has them in full: where they do not fit they are left out. */
function within(value: string | null | undefined, maxBytes: number): string | undefined {
  return isGiven(value) && fitsUtf8(value, maxBytes) && stringProblem(value) === undefined
    ? value
    : undefined;
}

function withoutAbsent(draft: AuditEventDraft): AuditEventDraft {
  return Object.fromEntries(
    Object.entries(draft).filter(([, value]) => value !== undefined && value !== null && value !== ""),
  );
}
