/** Waiting that ends early when the server stops, so that no request holds it up. */
import type { Sleep } from "#service/waiting.ts";

/** @param stopping aborts when the server is to stop; waits begun later end at once */
export function createSleep(stopping: AbortSignal): Sleep {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (stopping.aborted || signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        clearTimeout(timer);
        stopping.removeEventListener("abort", finish);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      stopping.addEventListener("abort", finish, { once: true });
      signal?.addEventListener("abort", finish, { once: true });
    });
}
