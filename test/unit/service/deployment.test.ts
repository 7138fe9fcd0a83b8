// Which deployment a process serves: it is founded once, opened again, and refused wherever archive and tables do not
// belong together.
import { randomBytes, randomUUID } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { Deployment, DeploymentParts } from "#service/deployment.ts";
import { DEPLOYMENT_KEY, markTables, openDeployment, readDeployment } from "#service/deployment.ts";
import { manifestKey } from "#service/log-layout.ts";
import type { Mark, TableMark } from "#service/table-mark.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";

class MemoryMark implements TableMark {
  readonly table: string;
  tableId: string = randomUUID();
  mark: Mark | undefined = undefined;

  constructor(table: string) {
    this.table = table;
  }

  async read(): Promise<{ readonly tableId: string; readonly mark: Mark | undefined }> {
    return { tableId: this.tableId, mark: this.mark };
  }

  async write(mark: Mark): Promise<void> {
    this.mark ??= mark;
  }
}

interface Parts extends DeploymentParts {
  readonly archive: MemoryArchive;
  readonly events: MemoryMark;
  readonly ledger: MemoryMark;
}

function partsOf(): Parts {
  const [events, ledger] = [new MemoryMark("events"), new MemoryMark("ledger")];
  return {
    archive: new MemoryArchive(),
    events,
    ledger,
    marks: [events, ledger],
    newIncarnation: randomUUID,
    fillRandom: (bytes) => randomBytes(bytes.length).copy(bytes),
  };
}

async function withBatch(parts: Parts): Promise<void> {
  await parts.archive.putIfAbsent("batches/dt=2026-03-01/hh=12/x.jsonl.gz", Buffer.from("x"));
}

/** Parts of a deployment that has stored something. */
async function usedParts(): Promise<Parts & { readonly deployment: Deployment }> {
  const parts = partsOf();
  const deployment = await openDeployment(parts);
  await withBatch(parts);
  return { ...parts, deployment };
}

function refusal(message: string): unknown {
  return expect.objectContaining({
    code: "storage-unavailable",
    retryable: false,
    message: expect.stringContaining(message),
  });
}

describe("openDeployment", () => {
  it("founds one where nothing is stored, with a key of 32 random bytes, and marks the tables", async () => {
    const parts = partsOf();

    const { incarnation, conflictKey } = await openDeployment(parts);

    expect(Buffer.from((await parts.archive.get(DEPLOYMENT_KEY))!).toString()).toBe(
      `{"format":1,"incarnation":"${incarnation}","conflict_key":"${Buffer.from(conflictKey).toString("hex")}"}`,
    );
    expect(conflictKey).toHaveLength(32);
    expect(parts.events.mark).toEqual({ incarnation, tableId: parts.events.tableId });
    expect(parts.ledger.mark).toEqual({ incarnation, tableId: parts.ledger.tableId });
  });

  it("opens the same one again", async () => {
    const { deployment, ...parts } = await usedParts();

    expect(await openDeployment(parts)).toEqual(deployment);
  });

  it("refuses emptied tables by the manifests of a log, and does not go over the markers of its batches", async () => {
    const { archive, events, ledger, ...parts } = await usedParts();
    events.mark = undefined;
    ledger.mark = undefined;
    await archive.putIfAbsent(manifestKey(1), Buffer.from("x"));
    const list: typeof archive.list = (prefix, after) => {
      if (prefix.startsWith("batches/")) throw new Error("takes too long");
      return archive.list(prefix, after);
    };
    const slow = Object.assign(Object.create(archive), { list });

    await expect(openDeployment({ ...parts, archive: slow })).rejects.toEqual(refusal("auditlog rebuild"));
  });

  it("founds one when many begin at once", async () => {
    const parts = partsOf();

    const deployments = await Promise.all(Array.from({ length: 10 }, () => openDeployment(parts)));

    expect(new Set(deployments.map(({ incarnation }) => incarnation)).size).toBe(1);
    expect(deployments[9]).toEqual(deployments[0]);
  });

  it.each([
    { title: "both marks", bare: ["events", "ledger"] as const },
    { title: "one of the marks", bare: ["ledger"] as const },
  ])("goes on where the first start was cut before $title", async ({ bare }) => {
    const parts = partsOf();
    const deployment = await openDeployment(parts);
    for (const name of bare) parts[name].mark = undefined;

    expect(await openDeployment(parts)).toEqual(deployment);
    expect(parts.ledger.mark?.incarnation).toBe(deployment.incarnation);
  });

  it("is not misled by another start that passes it and stores its first batch", async () => {
    const parts = partsOf();
    const deployment = await openDeployment(parts);
    const marked = parts.events.mark;
    parts.events.mark = undefined;
    const archive: DeploymentParts["archive"] = {
      putIfAbsent: (key, bytes) => parts.archive.putIfAbsent(key, bytes),
      get: (key) => parts.archive.get(key),
      list: (prefix) => {
        parts.events.mark = marked;
        parts.archive.objects.set("batches/x", { bytes: new Uint8Array(), modifiedMs: 0 });
        return parts.archive.list(prefix);
      },
    };

    expect(await openDeployment({ ...parts, archive })).toEqual(deployment);
  });

  it("refuses an emptied table where every batch has gone into the log", async () => {
    const parts = partsOf();
    await openDeployment(parts);
    await parts.archive.putIfAbsent("manifests/0000000000000001.json", Buffer.from("{}"));
    parts.ledger.mark = undefined;

    await expect(openDeployment(parts)).rejects.toEqual(refusal("table ledger is empty"));
    expect(parts.ledger.mark).toBeUndefined();
  });

  it("is not misled by a sealer that lets go of the last batch between two looks", async () => {
    const parts = await usedParts();
    parts.ledger.mark = undefined;
    const archive: DeploymentParts["archive"] = {
      putIfAbsent: (key, bytes) => parts.archive.putIfAbsent(key, bytes),
      get: (key) => parts.archive.get(key),
      list: async function* (prefix) {
        const found = await Array.fromAsync(parts.archive.list(prefix));
        await parts.archive.putIfAbsent("manifests/0000000000000001.json", Buffer.from("{}"));
        await parts.archive.remove(
          (await Array.fromAsync(parts.archive.list("batches/"))).map(({ key }) => key),
        );
        yield* found;
      },
    };

    await expect(openDeployment({ ...parts, archive })).rejects.toEqual(refusal("table ledger is empty"));
  });

  it.each(["events", "ledger"] as const)("refuses an emptied table: %s", async (name) => {
    const parts = await usedParts();
    parts[name].mark = undefined;

    await expect(openDeployment(parts)).rejects.toEqual(
      refusal(`table ${name} is empty though the archive holds batches; \`auditlog rebuild\` restores it`),
    );
    expect(parts[name].mark).toBeUndefined();
  });

  it("names both tables where both are empty", async () => {
    const parts = await usedParts();
    parts.events.mark = undefined;
    parts.ledger.mark = undefined;

    await expect(openDeployment(parts)).rejects.toEqual(refusal("table events and ledger is empty"));
  });

  it.each(["events", "ledger"] as const)("refuses a table restored from a backup: %s", async (name) => {
    const parts = await usedParts();
    parts[name].tableId = randomUUID();

    await expect(openDeployment(parts)).rejects.toEqual(refusal(`table ${name} is a copy`));
  });

  it("refuses a table of another deployment", async () => {
    const parts = await usedParts();
    const other = await usedParts();

    await expect(openDeployment({ ...parts, marks: [parts.events, other.ledger] })).rejects.toEqual(
      refusal(`table ledger belongs to deployment ${other.deployment.incarnation}`),
    );
  });

  it("refuses an archive without its deployment object, and founds none in it", async () => {
    const parts = await usedParts();
    parts.archive.objects.delete(DEPLOYMENT_KEY);
    const emptied = { ...parts, marks: [new MemoryMark("events"), new MemoryMark("ledger")] };

    await expect(openDeployment(parts)).rejects.toEqual(refusal("table events belongs to a deployment"));
    await expect(openDeployment(emptied)).rejects.toEqual(refusal("the archive holds batches but no"));
    expect(await readDeployment(parts.archive)).toBeUndefined();
  });

  it.each(["{", '{"format":2}', `{"format":1,"incarnation":"${randomUUID()}","conflict_key":"00ff00ff"}`])(
    "refuses an object that this release did not write, without showing it",
    async (text) => {
      const parts = partsOf();
      await parts.archive.putIfAbsent(DEPLOYMENT_KEY, Buffer.from(text));

      const opening = openDeployment(parts);

      await expect(opening).rejects.toEqual(refusal("is damaged or of a newer release"));
      await expect(opening).rejects.not.toThrow("00ff00ff");
    },
  );
});

describe("markTables", () => {
  it("marks restored tables, so that the deployment opens again", async () => {
    const { deployment, ...parts } = await usedParts();
    parts.events.mark = undefined;

    await markTables(parts.marks, deployment.incarnation);

    expect(await openDeployment(parts)).toEqual(deployment);
  });

  it("does not mark a copy over", async () => {
    const { deployment, ...parts } = await usedParts();
    parts.events.tableId = randomUUID();

    await expect(markTables(parts.marks, deployment.incarnation)).rejects.toEqual(refusal("is a copy"));
  });
});
