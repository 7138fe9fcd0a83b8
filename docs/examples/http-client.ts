// The audit log of a running service: the same interface as the embedded one, over HTTP.
// Start the service with `npm start`, then: node --conditions=source docs/examples/http-client.ts http://127.0.0.1:8000
import { createAuditClient, dataAccess, userAction } from "audit-service";

const url = process.argv[2] ?? "http://127.0.0.1:8000";
await using audit = createAuditClient({ url, serviceName: "clinic" });

// Events that are logged together travel together; each promise settles with what became of that event.
const receipts = await Promise.all([
  audit.log(userAction("carol", "login")),
  audit.log(dataAccess("carol", "patient", "p-17").metadata({ reason: "treatment" })),
  audit.log(audit.event().action("note_changed").user("carol").change("/note", { before: "a", after: "b" })),
]);
console.log(`logged: ${receipts.length}`);

// Every event has an id before it is first sent: a request that is repeated after a failure stores nothing twice.
await audit.flush();
const page = await audit.query({ user_ids: ["carol"], order_desc: false });
console.log(`actions: ${page.events.map(({ action }) => action).join(", ")}`);

for await (const chunk of audit.exportEvents({ user_ids: ["carol"] }, "csv")) {
  console.log(`export: ${chunk.split("\n").filter(Boolean).length} lines of CSV`);
}
