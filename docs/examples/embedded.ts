// The audit log inside an application, with no server: events go to files, durable when `log` resolves.
// Run it with: node --conditions=source docs/examples/embedded.ts <folder>
import { join } from "node:path";
import { AuditValidationError, apiRequest, createAuditService, errorEvent, userAction } from "audit-service";

const folder = process.argv[2] ?? "example-logs";
await using audit = await createAuditService({
  filePath: join(folder, "audit.jsonl"),
  serviceName: "shop",
});

// One event, field by field. Builders never change, so a half-filled one can be kept for a whole request.
const ofRequest = audit.event().user("alice").session("s-1").request("r-1").sourceIp("192.0.2.17");
const { event_id } = await audit.log(
  ofRequest.action("order_placed").category("data_modification").resource("order", "2026-0042"),
);

// The events that applications send most have shorthands.
await audit.log(userAction("alice", "report_exported"));
await audit.log(apiRequest({ method: "GET", path: "/orders/2026-0042", status: 200, durationMs: 12.5 }));
await audit.log(errorEvent("payment_failed", new Error("the card was declined")));

// Many at once: the valid ones are stored, the others are named with the reason.
const receipt = await audit.logBatch([
  { event_id: "nightly-2026-01-31", action: "job_run", level: "info" },
  { action: "job_run", level: "LOUD" },
]);
console.log(`batch: ${receipt.events_logged} logged, ${JSON.stringify(receipt.results[1]?.errors)}`);

// The same id with the same content is stored once, however often it is sent.
await audit.log({ event_id: "nightly-2026-01-31", action: "job_run", level: "info" });

// A mistake shows where it is made.
try {
  audit.event().user(" ");
} catch (error) {
  if (error instanceof AuditValidationError) console.log(`refused: ${error.message}`);
}

// Found again at once, after a restart, and after any rotation.
const order = await audit.get(event_id);
console.log(`order: ${order?.action} by ${order?.user_id}`);
let page = await audit.query({ user_ids: ["alice"], limit: 2 });
let found = page.events.length;
while (page.has_more) {
  page = await audit.query({ user_ids: ["alice"], limit: 2, cursor: page.next_cursor });
  found += page.events.length;
}
console.log(`of alice: ${found} events`);
const { status } = await audit.health();
console.log(`health: ${status}`);
