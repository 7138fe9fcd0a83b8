// Golden vectors of the archive, format version 1: every kind of object, written and read by today's code. What is in a
// bucket stays there for years, so no release may read or name it otherwise.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import {
  batchKey,
  decodeBatch,
  decodeOutcome,
  encodeBatch,
  encodeOutcome,
  outcomeKey,
} from "#service/batch-object.ts";
import { openDeployment, readDeployment } from "#service/deployment.ts";
import type { QuarantineEntry } from "#service/quarantine.ts";
import { createQuarantine } from "#service/quarantine.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";

interface Named {
  readonly name: string;
  readonly key: string;
}

interface BatchVector extends Named {
  readonly kind: "batch";
  readonly batch_id: string;
  readonly lines: readonly string[];
  readonly base64: string;
}

interface OutcomeVector extends Named {
  readonly kind: "outcome";
  readonly batch_id: string;
  readonly line_count: number;
  readonly winners: readonly number[];
  readonly conflicts: readonly number[];
  readonly text: string;
}

interface QuarantineVector extends Named {
  readonly kind: "quarantine";
  readonly entry: Pick<QuarantineEntry, "reason" | "errors" | "source" | "index" | "text"> & {
    readonly message_id: string;
    readonly sent_at_ms: number;
  };
  readonly text: string;
}

interface DeploymentVector extends Named {
  readonly kind: "deployment";
  readonly incarnation: string;
  readonly conflict_key: string;
  readonly text: string;
}

type Vector = BatchVector | OutcomeVector | QuarantineVector | DeploymentVector;

const vectors = JSON.parse(
  readFileSync(new URL("../vectors/archive-v1.json", import.meta.url), "utf8"),
) as readonly Vector[];

function vectorsOf<Kind extends Vector["kind"]>(kind: Kind): readonly Extract<Vector, { kind: Kind }>[] {
  return vectors.filter((vector): vector is Extract<Vector, { kind: Kind }> => vector.kind === kind);
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("utf8");
}

it("the vectors are all there", () => {
  expect(new Set(vectors.map(({ kind }) => kind))).toEqual(
    new Set(["batch", "outcome", "quarantine", "deployment"]),
  );
});

describe("a batch object", () => {
  it.each(vectorsOf("batch"))("is read: $name", ({ batch_id: batchId, key, lines, base64 }) => {
    expect(batchKey(batchId)).toBe(key);
    expect(decodeBatch(Buffer.from(base64, "base64"), batchId)).toEqual(lines);
  });

  it.each(vectorsOf("batch"))("is written, packed in whatever way: $name", ({ lines, base64 }) => {
    expect(textOf(gunzipSync(encodeBatch(lines)))).toBe(textOf(gunzipSync(Buffer.from(base64, "base64"))));
  });
});

describe("an outcome object", () => {
  it.each(vectorsOf("outcome"))("is read and written to the byte: $name", (vector) => {
    const { batch_id: batchId, line_count: lineCount, winners, conflicts, key, text } = vector;
    const outcome = { batchId, lineCount, winners, conflicts };

    expect(outcomeKey(batchId)).toBe(key);
    expect(decodeOutcome(Buffer.from(text), batchId)).toEqual(outcome);
    expect(textOf(encodeOutcome(outcome))).toBe(text);
  });
});

describe("a quarantine object", () => {
  it.each(vectorsOf("quarantine"))("is written to the byte: $name", async ({ key, entry, text }) => {
    const archive = new MemoryArchive();
    const { message_id: messageId, sent_at_ms: sentAtMs, ...rest } = entry;

    await createQuarantine(archive)([{ ...rest, messageId, sentAtMs }]);

    expect([...archive.objects.keys()]).toEqual([key]);
    expect(textOf(await archive.get(key))).toBe(text);
  });
});

describe("the object of a deployment", () => {
  it.each(vectorsOf("deployment"))(
    "is read: $name",
    async ({ key, text, incarnation, conflict_key: hex }) => {
      const archive = new MemoryArchive();
      await archive.putIfAbsent(key, Buffer.from(text));

      expect(await readDeployment(archive)).toEqual({ incarnation, conflictKey: Buffer.from(hex, "hex") });
    },
  );

  it.each(vectorsOf("deployment"))("is written to the byte: $name", async (vector) => {
    const archive = new MemoryArchive();

    await openDeployment({
      archive,
      marks: [],
      newIncarnation: () => vector.incarnation,
      fillRandom: (bytes) => Buffer.from(vector.conflict_key, "hex").copy(bytes),
    });

    expect(textOf(await archive.get(vector.key))).toBe(vector.text);
  });
});
