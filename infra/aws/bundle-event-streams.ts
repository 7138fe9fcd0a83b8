/**
 * Stands in the bundles for `@smithy/core/event-streams`, which the SDK loads when an operation streams events. None that
 * this service calls does: so it weighs nothing, and says so if that changes.
 */

/** Called with `new` by the SDK. */
export function EventStreamSerde(): never {
  throw absent();
}

export function eventStreamSerdeProvider(): never {
  throw absent();
}

/** The client for S3 calls it at its start, and needs what it would add only where an operation streams. */
export function resolveEventStreamSerdeConfig<Config>(config: Config): Config {
  return config;
}

function absent(): Error {
  return new Error("event streams are not in this bundle; see infra/aws/bundle.ts");
}
