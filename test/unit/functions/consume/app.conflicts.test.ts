// What the consumer says of events under ids that other content holds: enough to find them, and nothing of what they hold.
import { describe, expect, it } from "vitest";

import { packLines } from "#event/message.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { memoryConsumer } from "#test/support/memory-consumer.ts";
import { sqsRecord } from "#test/support/sqs-events.ts";

/** A message of events that all have the id `e`. */
function messageOf(contents: readonly string[]) {
  const lines = contents.map((message) => sampleLine({ tenant_id: "t", event_id: "e", message }));
  return sqsRecord(packLines(lines.map(({ text }) => text))[0] ?? "");
}

const contents = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `secret ${index}`);

describe("events in conflict", () => {
  it("are named in the log by their ids alone", async () => {
    const consumer = memoryConsumer();

    await consumer.consume({ Records: [messageOf(contents(2))] });

    const [, derived] = [...consumer.table.items.values()];
    expect(derived?.eventId).toMatch(/^e![0-9a-f]{32}$/);
    expect(consumer.logs).toEqual([
      {
        level: "warn",
        message: "events are in conflict",
        events: 1,
        conflicts: [{ event_id: "e", conflict_id: derived?.eventId, tenant_id: "t" }],
      },
    ]);
  });

  it("are named 20 for each invocation, and counted", async () => {
    const consumer = memoryConsumer();

    await consumer.consume({ Records: [messageOf(contents(31))] });

    expect(consumer.logs).toMatchObject([{ events: 30, conflicts: { length: 20 } }]);
  });

  it("are named once: a delivery again brings no others about", async () => {
    const consumer = memoryConsumer();
    const record = messageOf(contents(2));

    await consumer.consume({ Records: [record] });
    await consumer.consume({ Records: [record] });

    expect(consumer.logs).toHaveLength(1);
  });
});
