// What a test needs of a release of this service, in one value: so that it can be given another release too, bundled from
// patched sources, with classes and constants of its own.
import { packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import type { StandInDeployment, StandIns } from "#test/support/consumer-stand-ins.ts";
import { ConsumerStandIns } from "#test/support/consumer-stand-ins.ts";

export interface Release {
  readonly line: (members: Members) => PreparedLine;
  /** One message for the queue `lines`. */
  readonly packed: (lines: readonly PreparedLine[]) => string;
  readonly on: (standIns: StandIns, deployment: StandInDeployment) => ConsumerStandIns;
}

export const RELEASE: Release = {
  line: sampleLine,
  packed: (lines) => {
    const [body, ...rest] = packLines(lines.map(({ text }) => text));
    if (body === undefined || rest.length > 0) throw new Error("not one message");
    return body;
  },
  on: (standIns, deployment) => new ConsumerStandIns(standIns, deployment),
};
