/** Every limit of the event model, in one place. Bytes are of UTF-8; characters are Unicode code points. */

export const MAX_EVENT_BYTES = 256 * 1024;
export const MAX_METADATA_BYTES = 50_000;
/** Nesting of `metadata`, `before` and `after`; {} is 1. */
export const MAX_VALUE_DEPTH = 32;
export const MAX_NAME_BYTES = 256;
export const MAX_RESOURCE_ID_BYTES = 1024;
export const MAX_MESSAGE_CHARACTERS = 10_000;
export const MAX_ERROR_MESSAGE_CHARACTERS = 10_000;
export const MAX_STACK_TRACE_CHARACTERS = 50_000;
export const MAX_SOURCE_IP_BYTES = 64;
export const MAX_USER_AGENT_BYTES = 512;
export const MAX_ON_BEHALF_OF = 8;
export const MAX_CHANGES = 256;
export const MAX_CHANGE_PATH_BYTES = 1024;
export const MAX_EVENT_ID_CHARACTERS = 128;
export const MAX_TENANT_ID_CHARACTERS = 120;
/** How far a client's clock may run ahead of the service's. */
export const MAX_FUTURE_MS = 5 * 60 * 1000;

/** Events of one batch request, and the bodies that carry them: on the wire, and after gunzip. */
export const MAX_BATCH_EVENTS = 1000;
export const MAX_EVENT_BODY_BYTES = 1024 * 1024;
export const MAX_BATCH_BODY_BYTES = 2.5 * 1024 * 1024;
export const MAX_DECODED_BODY_BYTES = 8 * 1024 * 1024;

/** So many reasons are given for one event: an answer stays small. */
export const MAX_ERRORS = 20;
