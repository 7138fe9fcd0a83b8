// A receipt for an event that can be checked offline with the log's public key alone, and all events in the log's order.
// Start the service with `npm start`, then: node --conditions=source docs/examples/receipt.ts http://127.0.0.1:8000
import { createHash, createPublicKey, verify } from "node:crypto";
import { createAuditClient } from "audit-service";
import * as tlog from "audit-service/tlog";

const url = process.argv[2] ?? "http://127.0.0.1:8000";
await using audit = createAuditClient({ url, serviceName: "bank" });

// The proof is there once the event is sealed, some seconds after it was logged. Keep it with the verifier key.
const { event_id: eventId } = await audit.log({ action: "transfer_approved", user_id: "dora" });
const receipt = await audit.proof(eventId, { waitS: 20 });
if (receipt === undefined) throw new Error("the event is not stored");
const verifierKey = (await (await fetch(new URL("/log/vkey", url))).text()).trim();

// From here on the service is not asked. First: did the log sign this checkpoint?
const verifyEd25519: tlog.Ed25519Verify = (publicKey, message, signature) => {
  const prefix = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410
  const key = createPublicKey({ key: Buffer.concat([prefix, publicKey]), format: "der", type: "spki" });
  return verify(null, message, key, signature);
};
const { index, hashes, checkpoint } = tlog.parseTlogProof(receipt.proof);
const note = tlog.parseNote(checkpoint);
const { verified } = tlog.verifyNote(note, [tlog.parseVerifierKey(verifierKey)], verifyEd25519);
console.log(`signatures of the log: ${verified.length}`);

// Then: is the line that we hold in the tree that the checkpoint is over?
const { size, root } = tlog.parseCheckpoint(note.body);
const entry = createHash("sha256").update(receipt.line).digest();
const leafHash = tlog.createTreeHasher().leaf(entry);
const problem = tlog.inclusionProblem({ index, size, leafHash, proof: hashes, root });
console.log(`in the log: ${problem ?? "yes"}`);

// All events in the order of the log: keep the last leaf_index, and go on behind it the next time.
for await (const { leaf_index: leaf, action } of audit.feed({ after: Number(index) - 1 })) {
  console.log(`leaf ${leaf}: ${action}`);
}
