/**
 * The raw baseline, in a process of its own: parse, validate, hash, append and fsync batches of 100 events with the
 * project's own functions, but without server, index, deduplication or answers. The next batch is prepared while the
 * last one is on its way to the disk, so this is what one process can do at best.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { nodeFileIo } from "#adapters/file/file-io.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { parseStrictJson } from "#lib/strict-json.ts";
import { batchJson } from "#test/bench/events.ts";

export interface BaselineOptions {
  /** A file that may be overwritten. */
  readonly path: string;
  readonly seconds: number;
}

const EVENTS_PER_BATCH = 100;

/** Durable events a second. */
async function run({ path, seconds }: BaselineOptions): Promise<number> {
  const bodies = Array.from({ length: 64 }, (_, index) =>
    Buffer.from(batchJson(index * 7919, EVENTS_PER_BATCH)),
  );
  const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });
  const fd = openSync(path, "w");
  const begun = performance.now();
  let events = 0;
  let position = 0;
  let commit: Promise<void> = Promise.resolve();
  for (let turn = 0; performance.now() - begun < seconds * 1000; turn++) {
    const text = bodies[turn % bodies.length]?.toString() ?? "";
    const parsed = parseStrictJson(text).value;
    const receivedAtMs = Date.now();
    const stamp = {
      receivedAtMs,
      receivedAt: new Date(receivedAtMs).toISOString(),
      keyTenant: undefined,
      ...identifiers,
    };
    const lines: string[] = [];
    for (const event of eventsOf(parsed)) {
      const preparation = prepareEvent(event, stamp);
      if (preparation.kind === "refused") throw new Error(JSON.stringify(preparation.errors));
      lines.push(preparation.line.text);
    }
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    await commit;
    const at = position;
    position += bytes.length;
    commit = nodeFileIo.write(fd, bytes, at).then(() => nodeFileIo.sync(fd));
    events += EVENTS_PER_BATCH;
  }
  await commit;
  const rate = events / ((performance.now() - begun) / 1000);
  closeSync(fd);
  return rate;
}

function eventsOf(body: unknown): readonly unknown[] {
  if (typeof body !== "object" || body === null || !("events" in body) || !Array.isArray(body.events))
    return [];
  return body.events;
}

if (import.meta.main) {
  const options: BaselineOptions = JSON.parse(process.argv[2] ?? "{}");
  console.log(JSON.stringify(await run(options)));
}
