/** Accepting events, counted: what was taken and what was refused go into the metrics of the function. */
import type { Telemetry } from "#functions/telemetry.ts";
import { AuditValidationError } from "#lib/errors.ts";
import type { Accept } from "#service/accept.ts";

/** Behaves as `accept`. A batch that cannot be read counts as one refused event. */
export function countedAccept(accept: Accept, telemetry: Pick<Telemetry, "events">): Accept {
  const refused = (error: unknown): void => {
    if (error instanceof AuditValidationError) telemetry.events({ accepted: 0, rejected: 1 });
  };
  return {
    one: async (...args) => {
      try {
        const accepted = await accept.one(...args);
        telemetry.events({ accepted: 1, rejected: 0 });
        return accepted;
      } catch (error) {
        refused(error);
        throw error;
      }
    },
    batch: async (...args) => {
      try {
        const batch = await accept.batch(...args);
        const accepted = batch.eventIds.length;
        telemetry.events({ accepted, rejected: batch.results.length - accepted });
        return batch;
      } catch (error) {
        refused(error);
        throw error;
      }
    },
  };
}
