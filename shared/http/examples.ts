/** Examples of the OpenAPI document, by operation: request bodies and the bodies of successful answers. */

const HASH = "97a1b2b0e0b1b1d5a5c54f4a9c2f6a4a6b0f5b7e3c8d1e2f3a4b5c6d7e8f9a0b";
const EVENT_ID = "01959123-4567-7abc-8def-0123456789ab";

const NEW_EVENT = {
  timestamp: "2026-03-01T12:00:00.123Z",
  category: "AUTHENTICATION",
  action: "user_login",
  service_name: "auth",
  user_id: "alice",
  message: "signed in",
  metadata: { method: "passkey" },
  source_ip: "192.0.2.7",
};

const EVENT = {
  content_hash: HASH,
  action: "user_login",
  category: "AUTHENTICATION",
  event_id: EVENT_ID,
  level: "INFO",
  message: "signed in",
  metadata: { method: "passkey" },
  received_at: "2026-03-01T12:00:00.456Z",
  service_name: "auth",
  source_ip: "192.0.2.7",
  tenant_id: "default",
  timestamp: "2026-03-01T12:00:00.123Z",
  user_id: "alice",
};

const PAGE = {
  events: [EVENT],
  has_more: false,
  next_cursor: null,
  total_count: 1,
  query_duration_ms: 0.8,
};

const ACCEPTED = { index: 0, status: "accepted", event_id: EVENT_ID };
const REJECTED = {
  index: 1,
  status: "rejected",
  code: "validation-failed",
  errors: [{ path: "/action", message: "is missing" }],
};

const LINE =
  '{"_defaulted":["event_id","level"],"_salt":"xJ1b0c9kQ2uF7mH4sT8wzA","_v":1,"action":"user_login","category":"AUTHENTICATION",' +
  `"event_id":"${EVENT_ID}","level":"INFO","message":"signed in","metadata":{"method":"passkey"},` +
  '"received_at":"2026-03-01T12:00:00.456Z","service_name":"auth","source_ip":"192.0.2.7","tenant_id":"default",' +
  '"timestamp":"2026-03-01T12:00:00.123Z","user_id":"alice"}';
const SIBLING = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=";
const CHECKPOINT =
  "log.example.com/audit\n2\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n" +
  "\u2014 log.example.com/audit 1dMsvSB6Od2ZtZLYS5BDZ4vnF3aLf6Ah6mOkM3sO0S6sVUNnyVnw7lEYk0rsLJHVdXZLhGSWvEbBtm8r0vGxVfmbHg4=\n";
const PROOF = `c2sp.org/tlog-proof@v1\nindex 1\n${SIBLING}\n\n${CHECKPOINT}`;

const PART = { status: "healthy", kept_by: "storage" };

/** Keys are `<operationId> request` and `<operationId> <status> <media type>`. */
export const EXAMPLES: Readonly<Record<string, unknown>> = {
  "logEvent request": NEW_EVENT,
  "logEvent 202 application/json": EVENT,
  "logBatch request": { events: [NEW_EVENT] },
  "logBatch 202 application/json": { events_logged: 1, event_ids: [EVENT_ID], results: [ACCEPTED] },
  "logBatch 207 application/json": { events_logged: 1, event_ids: [EVENT_ID], results: [ACCEPTED, REJECTED] },
  "findEvents 200 application/json": PAGE,
  "queryEvents request": { user_ids: ["alice"], levels: ["ERROR", "CRITICAL"], limit: 50 },
  "queryEvents 200 application/json": PAGE,
  "exportEvents 200 application/jsonl": `${JSON.stringify(EVENT)}\n`,
  "getEvent 200 application/json": EVENT,
  "feedEvents 200 application/json": {
    events: [{ leaf_index: 1, ...EVENT }],
    unreadable_leaves: [],
    next_after: 1,
    has_more: false,
    log_size: 2,
  },
  "getLine 200 application/json": JSON.parse(LINE),
  "proveEvent 200 text/plain": PROOF,
  "proveEvent 200 application/json": {
    event_id: EVENT_ID,
    leaf_index: 1,
    log_size: 2,
    leaf_hash: "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
    hashes: [SIBLING],
    checkpoint: CHECKPOINT,
    proof: PROOF,
    line: LINE,
    content_hash: HASH,
  },
  "logCheckpoint 200 text/plain": CHECKPOINT,
  "flush request": { event_ids: [EVENT_ID] },
  "flush 200 application/json": { status: "flushed" },
  "flush 202 application/json": { status: "pending", pending: 1 },
  "health 200 application/json": {
    status: "healthy",
    timestamp: "2026-03-01T12:00:00.000Z",
    service: { status: "healthy", name: "audit_service", version: "0.1.0" },
    storage: { status: "healthy", type: "file", events: 1667 },
    queue: PART,
    archive: PART,
    log: PART,
    unaccounted_events: 0,
  },
};
