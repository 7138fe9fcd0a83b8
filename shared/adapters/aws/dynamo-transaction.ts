/** Why a transaction of DynamoDB was cancelled, part by part. */
import { isVendorError } from "#adapters/aws/aws-errors.ts";

/** Why one part of a transaction was refused though the whole may work when sent again. */
const PASSING_REASONS: ReadonlySet<string | undefined> = new Set([
  "ProvisionedThroughputExceeded",
  "ThrottlingError",
  "TransactionConflict",
]);

/** One code per part, in order; none where the error is another. */
export function cancellationCodes(cause: unknown): readonly (string | undefined)[] {
  if (!isVendorError(cause, "TransactionCanceledException")) return [];
  if (typeof cause !== "object" || cause === null || !("CancellationReasons" in cause)) return [];
  const { CancellationReasons: reasons } = cause;
  if (!Array.isArray(reasons)) return [];
  return reasons.map((reason: unknown) =>
    typeof reason === "object" && reason !== null && "Code" in reason && typeof reason.Code === "string"
      ? reason.Code
      : undefined,
  );
}

export function hasPassingReason(codes: readonly (string | undefined)[]): boolean {
  return codes.some((code) => PASSING_REASONS.has(code));
}
