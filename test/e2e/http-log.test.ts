// The log as strangers see it: everything is checked by the definitions of RFC 6962 and node:crypto, from the
// bytes that are served.
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { rootOfPath } from "#test/support/audit-path.ts";
import type { Answer, Json, TestService } from "#test/support/http-service.ts";
import {
  ask,
  followLinks,
  head,
  itKnowingLater,
  LOGIN,
  post,
  RawClient,
  startSealingService,
} from "#test/support/http-service.ts";
import { isSigned, readCheckpoint } from "#test/support/signed-checkpoint.ts";
import { leafHash, OracleTree } from "#test/support/oracle-tree.ts";

const TILE_WIDTH = 256;
const HASH_BYTES = 32;
const AT_A_TIME = 4;
const ASKING_FOR_JSON = { headers: { accept: "application/json" } };

/** The proof, once the log covers the event. */
async function sealed(service: TestService, eventId: string): Promise<Json> {
  const { status, json } = await ask(
    service,
    `/events/${encodeURIComponent(eventId)}/proof?wait=20`,
    ASKING_FOR_JSON,
  );
  expect([status, json.detail]).toEqual([200, undefined]);
  return json;
}

/** Asks until so many leaves are published. */
async function grownTo(service: TestService, size: number): Promise<void> {
  for (let found = 0; found < size; ) {
    found = (await ask(service, `/events/feed?after=${found - 1}&limit=1&wait=20`)).json.log_size;
  }
}

/** The exact stored lines of events, some at a time. */
async function linesOf(service: TestService, ids: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (let from = 0; from < ids.length; from += AT_A_TIME) {
    const answers = ids.slice(from, from + AT_A_TIME).map((id) => ask(service, `/events/${id}/line`));
    lines.push(...(await Promise.all(answers)).map(({ text }) => text));
  }
  return lines;
}

async function bytesOf({ url }: TestService, path: string): Promise<Buffer> {
  const response = await fetch(new URL(path, url));
  expect([path, response.status]).toEqual([path, 200]);
  return Buffer.from(await response.arrayBuffer());
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

async function logMany(service: TestService, from: number, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, index) => `e-${from + index}`);
  const { status } = await post(service, "/events/batch", {
    events: ids.map((id) => ({ ...LOGIN, event_id: id, message: "é ".repeat(from % 7) })),
  });
  expect(status).toBe(202);
  return ids;
}

describe("a proof", () => {
  it("shows with the log's key alone that the event is what was accepted", async () => {
    const service = await startSealingService();
    const posted = [];
    for (const id of ["one", "two", "three"]) {
      posted.push((await post(service, "/events", { ...LOGIN, event_id: id, message: "é 漢" })).json);
    }

    for (const { event_id: id, content_hash: contentHash } of posted) {
      const proof = await sealed(service, id);

      const { text: verifierKey } = await ask(service, "/log/vkey");
      const { origin, size, root } = readCheckpoint(proof.checkpoint);
      const leaf = leafHash(hash("sha256", proof.line, "buffer"));
      const path = proof.hashes.map((text: string) => Buffer.from(text, "base64"));
      const place = { index: proof.leaf_index, size, path };
      expect(verifierKey).toMatch(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\n?$/);
      expect(verifierKey.startsWith(`${origin}+`)).toBe(true);
      expect(isSigned(proof.checkpoint, verifierKey)).toBe(true);
      expect(isSigned(proof.checkpoint.replace(`\n${size}\n`, `\n${size + 1}\n`), verifierKey)).toBe(false);
      expect([proof.log_size, proof.leaf_hash]).toEqual([size, base64(leaf)]);
      expect(base64(rootOfPath(leaf, place))).toBe(root);
      expect(proof.content_hash).toBe(contentHash);
      expect((await ask(service, `/events/${id}/line`)).text).toBe(proof.line);
      expect(JSON.parse(proof.line)).toMatchObject({ event_id: id, message: "é 漢" });
    }
  });

  it("as text is the same proof", async () => {
    const service = await startSealingService();
    await logMany(service, 0, 3);
    await sealed(service, "e-1");

    const { headers, text } = await ask(service, "/events/e-1/proof");

    const [first, index, ...rest] = text.split("\n");
    const end = rest.indexOf("");
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect([first, index]).toEqual(["c2sp.org/tlog-proof@v1", expect.stringMatching(/^index \d+$/)]);
    const { size, root } = readCheckpoint(rest.slice(end + 1).join("\n"));
    const line = (await ask(service, "/events/e-1/line")).text;
    const path = rest.slice(0, end).map((hashText) => Buffer.from(hashText, "base64"));
    const place = { index: Number(index?.slice(6)), size, path };
    expect(base64(rootOfPath(leafHash(hash("sha256", line, "buffer")), place))).toBe(root);
  });

  it("of an event that nobody sent is refused", async () => {
    const service = await startSealingService();

    const answers = await Promise.all(["line", "proof"].map((what) => ask(service, `/events/never/${what}`)));

    expect(answers.map(({ status, json }) => [status, json.code])).toEqual([
      [404, "event-not-found"],
      [404, "event-not-found"],
    ]);
  });

  itKnowingLater("of an event that was pushed aside is found by its derived id", async () => {
    const service = await startSealingService();
    await post(service, "/events", { ...LOGIN, event_id: "same", action: "first" });
    await post(service, "/events", { ...LOGIN, event_id: "same", action: "second" });
    const { conflicts } = (await ask(service, "/events/same")).json;

    const first = await sealed(service, "same");
    const second = await sealed(service, conflicts[0]);

    expect([JSON.parse(first.line).action, JSON.parse(second.line).action]).toEqual(["first", "second"]);
    expect(second.leaf_index).not.toBe(first.leaf_index);
    const { events } = (await ask(service, "/events/feed")).json;
    expect(events.map((event: Json) => event.event_id).toSorted()).toEqual(["same", conflicts[0]]);
  });
});

describe("the tiles", () => {
  it("are those of the tree over the lines, and so is the checkpoint", async () => {
    const service = await startSealingService();
    await logMany(service, 0, 200);
    await logMany(service, 200, 60);
    await grownTo(service, 260);
    const { size, root } = readCheckpoint((await ask(service, "/log/checkpoint")).text);
    const pages = await followLinks(service, "/events/feed?limit=1000");
    const inOrder: readonly string[] = pages.flatMap(({ json }) =>
      json.events.map((event: Json) => event.event_id),
    );

    const lines = await linesOf(service, inOrder);

    const entries = lines.map((line) => hash("sha256", line, "buffer"));
    const leaves = entries.map(leafHash);
    const tree = new OracleTree(
      BigInt(size),
      leaves.map((leaf, index) => ({ index: BigInt(index), hash: leaf })),
    );
    const rest = size % TILE_WIDTH;
    const bundle = (from: number, end: number): Buffer =>
      Buffer.concat(entries.slice(from, end).flatMap((entry) => [Buffer.from([0, HASH_BYTES]), entry]));
    const served = async (path: string): Promise<string> =>
      (await bytesOf(service, `/log/tile/${path}`)).toString("hex");
    const hex = (parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString("hex");
    expect([size, inOrder.length]).toEqual([260, 260]);
    expect(base64(tree.root())).toBe(root);
    expect(await served("0/000")).toBe(hex(leaves.slice(0, TILE_WIDTH)));
    expect(await served(`0/001.p/${rest}`)).toBe(hex(leaves.slice(TILE_WIDTH)));
    expect(await served("1/000.p/1")).toBe(hex([tree.range(0n, 256n)]));
    expect(await served("0/000.p/7")).toBe(hex(leaves.slice(0, 7)));
    expect(await served("entries/000")).toBe(hex([bundle(0, TILE_WIDTH)]));
    expect(await served("entries/000.p/2")).toBe(hex([bundle(0, 2)]));
    expect(await served(`entries/001.p/${rest}`)).toBe(hex([bundle(TILE_WIDTH, size)]));
  });

  it("may be kept for ever, checkpoint and keys for 2 seconds, and all else not at all", async () => {
    const service = await startSealingService();
    await logMany(service, 0, 3);
    await sealed(service, "e-2");

    const paths = ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint", "vkey", "vkeys", "tile/0/001"];
    const answers = await Promise.all(paths.map((path) => ask(service, `/log/${path}`)));

    const [tile, short] = ["public, max-age=31536000, immutable", "public, max-age=2"];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 404]);
    expect(answers.map(({ headers }) => headers.get("cache-control"))).toEqual([
      tile,
      tile,
      short,
      short,
      short,
      "no-store",
    ]);
    const [bytes, text] = ["application/octet-stream", "text/plain; charset=utf-8"];
    const types = answers.slice(0, 4).map(({ headers }) => headers.get("content-type"));
    expect(types).toEqual([bytes, bytes, text, text]);
    expect(answers[4]?.text.split("\n")).toContain(answers[3]?.text.trim());
  });

  it("lie at no other path, and nothing else lies there", async () => {
    const service = await startSealingService();
    await logMany(service, 0, 1);
    await sealed(service, "e-0");
    const paths = [
      "/log/tile/0/..%2f..%2f..%2fstaging",
      "/log/tile/../../audit.jsonl",
      "/log/tile/0/000/../../../checkpoint",
      "/log/tile/0%2F000.p%2F1",
      "/log/tile/0/000%00",
      "/log/tile/0/000.p/0",
      "/log/tile/0/000.p/256",
      "/log/tile/00/000",
      "/log/tile/staging",
      "/log/../staging/x",
    ];

    const answers: Answer[] = [];
    for (const path of paths) {
      answers.push(await new RawClient(service.port).send(head(`GET ${path}`)).answer());
    }

    expect((await ask(service, "/log/tile/0/000.p/1")).status).toBe(200);
    expect(answers.map(({ status, json }) => [status, json.code])).toEqual(
      paths.map(() => [404, "route-not-found"]),
    );
  });
});

describe("the feed", () => {
  it("gives every event exactly once, in the order of the log, while more arrive", async () => {
    const service = await startSealingService();
    const logged = (async () => {
      const ids: string[] = [];
      for (let from = 0; from < 300; from += 50) ids.push(...(await logMany(service, from, 50)));
      return ids;
    })();
    const events: Json[] = [];
    let after = -1;

    while (events.length < 300) {
      const { status, json } = await ask(service, `/events/feed?after=${after}&limit=37&wait=20`);
      expect(status).toBe(200);
      events.push(...json.events);
      after = json.next_after;
    }

    const ids = events.map((event) => event.event_id);
    expect(ids).toHaveLength(300);
    expect(new Set(ids)).toEqual(new Set(await logged));
    expect(events.map((event) => event.leaf_index)).toEqual(Array.from({ length: 300 }, (_, leaf) => leaf));
  });

  it("is the same from the same place on, later too", async () => {
    const service = await startSealingService();
    await logMany(service, 0, 20);
    await grownTo(service, 20);
    const early = (await ask(service, "/events/feed?after=4&limit=10")).json;
    await logMany(service, 20, 20);
    await grownTo(service, 40);

    const late = (await ask(service, "/events/feed?after=4&limit=10")).json;

    expect(late).toEqual({ ...early, log_size: 40 });
    expect(late.events.map((event: Json) => event.leaf_index)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  });

  it("gives events as they are found by their id", async () => {
    const service = await startSealingService();
    await logMany(service, 0, 2);
    await sealed(service, "e-0");
    await sealed(service, "e-1");

    const { events } = (await ask(service, "/events/feed")).json;

    for (const { leaf_index: _, ...event } of events) {
      expect((await ask(service, `/events/${event.event_id}`)).json).toEqual(event);
    }
  });

  it("is of one tenant, whose leaves keep their places", async () => {
    const service = await startSealingService();
    await post(service, "/events", { ...LOGIN, event_id: "a", tenant_id: "acme" });
    await post(service, "/events", { ...LOGIN, event_id: "b", tenant_id: "other" });
    await ask(service, "/events/b/proof?wait=20&tenant_id=other");
    await ask(service, "/events/a/proof?wait=20&tenant_id=acme");

    const { json } = await ask(service, "/events/feed?tenant_id=other");

    expect(json.events.map((event: Json) => event.event_id)).toEqual(["b"]);
    expect(json).toMatchObject({ next_after: 1, has_more: false, log_size: 2 });
  });
});
