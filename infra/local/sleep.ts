/** Waiting that ends early when the server stops, so that no request holds it up. */
import { AuditServiceError } from "#lib/errors.ts";
import type { Sleep } from "#service/waiting.ts";

/** @param stopping aborts when the server is to stop; waits then fail with `closed`, also those begun later */
export function createSleep(stopping: AbortSignal): Sleep {
  return (ms, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        end();
        reject(new AuditServiceError("closed", "the service is stopping", { retryable: true }));
      };
      const finish = (): void => {
        end();
        resolve();
      };
      const end = (): void => {
        clearTimeout(timer);
        stopping.removeEventListener("abort", stop);
        signal?.removeEventListener("abort", finish);
      };
      const timer = setTimeout(finish, ms);
      stopping.addEventListener("abort", stop);
      signal?.addEventListener("abort", finish);
      if (signal?.aborted === true) finish();
      else if (stopping.aborted) stop();
    });
}
