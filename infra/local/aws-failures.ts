/**
 * What went wrong on the way to AWS, for the person at the command line: adapters name the vendor's error alone, which
 * is enough for a log, but "no region" and "no credentials" are told apart only by its text.
 */
import { AuditStorageError } from "#lib/errors.ts";

/**
 * @throws AuditStorageError what `work` throws, with the text of the vendor's error where no service answered or it
 *   refused the caller
 */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AuditStorageError) || !(error.cause instanceof Error)) throw error;
    const { code, details, retryable, cause } = error;
    const status = details["statusCode"];
    const isAnswer = typeof status === "number" && status !== 400 && status !== 403 && status !== 404;
    if (isAnswer) throw error;
    throw new AuditStorageError(code, `${error.message}: ${error.cause.message}`, {
      cause,
      details,
      retryable,
    });
  }
}
