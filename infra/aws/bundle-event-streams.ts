/**
 * Stands in the bundles for `@smithy/core/event-streams`, which the SDK loads when an operation streams events. None that
 * this service calls does: so it weighs nothing, and says so if that changes.
 */

export class EventStreamSerde {
  constructor() {
    throw new Error("event streams are not in this bundle; see infra/aws/bundle.ts");
  }
}

export function eventStreamSerdeProvider(): EventStreamSerde {
  return new EventStreamSerde();
}
