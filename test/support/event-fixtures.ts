/** Events and a stamp for tests of the event model: small, valid, the same at every run. */
import type { Preparation, PreparedLine, Stamp } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import type { FieldError } from "#lib/errors.ts";

const RECEIVED_AT = "2026-03-01T12:00:00.000Z";

/** No keys are configured; ids and salts are fixed. */
export const STAMP: Stamp = {
  receivedAtMs: Date.parse(RECEIVED_AT),
  receivedAt: RECEIVED_AT,
  keyTenant: undefined,
  newEventId: () => "01959123-4567-7abc-8def-0123456789ab",
  newSalt: () => "AAECAwQFBgcICQoLDA0ODw",
};

/** The least that a client must send. */
export const LEAST = { action: "user_login", service_name: "auth" } as const;

export function prepare(members: Readonly<Record<string, unknown>>, stamp: Stamp = STAMP): Preparation {
  return prepareEvent({ ...LEAST, ...members }, stamp);
}

/** The line of LEAST with `members`; fails where it is refused. */
export function accepted(members: Readonly<Record<string, unknown>>, stamp: Stamp = STAMP): PreparedLine {
  const preparation = prepare(members, stamp);
  if (preparation.kind === "prepared") return preparation.line;
  throw new Error(`refused: ${JSON.stringify(preparation.errors)}`);
}

/** Why LEAST with `members` is refused; empty where it is not. */
export function refusals(
  members: Readonly<Record<string, unknown>>,
  stamp: Stamp = STAMP,
): readonly FieldError[] {
  const preparation = prepare(members, stamp);
  return preparation.kind === "refused" ? preparation.errors : [];
}

/** The paths of these reasons. */
export function refusedPaths(
  members: Readonly<Record<string, unknown>>,
  stamp: Stamp = STAMP,
): readonly string[] {
  return refusals(members, stamp).map(({ path }) => path);
}
