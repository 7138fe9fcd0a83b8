// The client of a witness: each status as the port has it, and no answer that is late, endless or elsewhere.
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";

import { createHttpWitness } from "#adapters/web/http-witness.ts";
import { formatVerifierKey } from "#tlog/note.ts";

const VKEY = formatVerifierKey({ name: "witness.example/w1", algorithm: 4, publicKey: new Uint8Array(32) });
const LOG_VKEY = formatVerifierKey({ name: "log.example/a", algorithm: 1, publicKey: new Uint8Array(32) });

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(answer: RequestListener): Promise<string> {
  server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  // cast: it listens on a port
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answering(status: number, body: string, headers = {}): Promise<string> {
  return listen((_, response) => response.writeHead(status, headers).end(body));
}

describe("asking a witness", () => {
  it("posts the request to add-checkpoint below its address", async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        seen.push([request.method, request.url, body]);
        response.end("— lines\n");
      });
    });

    const answer = await createHttpWitness({ url: `${url}/w/`, verifierKey: VKEY }).addCheckpoint("old 0\n…");

    expect(answer).toEqual({ kind: "cosigned", lines: "— lines\n" });
    expect(seen).toEqual([["POST", "/w/add-checkpoint", "old 0\n…"]]);
  });

  it("hears which size the witness knows", async () => {
    const url = await answering(409, "20852163\n", { "content-type": "text/x.tlog.size" });

    const answer = await createHttpWitness({ url, verifierKey: VKEY }).addCheckpoint("");

    expect(answer).toEqual({ kind: "at-size", size: 20_852_163 });
  });

  it.each([
    [422, "the log has forked\nand more", "422 the log has forked"],
    [404, "", "404"],
    [302, "elsewhere", "302 elsewhere"],
    [409, "many\n", "409 many"],
    [409, "99999999999999999\n", "409 99999999999999999"],
    [403, "\u001b[31mred", "403 ?[31mred"],
  ])("hears that it was refused: %i %j", async (status, body, reason) => {
    const url = await answering(status, body, status === 302 ? { location: "http://127.0.0.1:9/" } : {});

    const answer = await createHttpWitness({ url, verifierKey: VKEY }).addCheckpoint("");

    expect(answer).toEqual({ kind: "refused", reason });
  });

  it.each([500, 503, 429])("may be tried again where the witness is in trouble: %i", async (status) => {
    const url = await answering(status, "");

    await expect(createHttpWitness({ url, verifierKey: VKEY }).addCheckpoint("")).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
  });

  it("ends at the deadline, also in the middle of an answer", async () => {
    const url = await listen((_, response) => response.write("— half"));

    const asked = createHttpWitness({ url, verifierKey: VKEY, timeoutMs: 50 }).addCheckpoint("");

    await expect(asked).rejects.toThrow(/does not answer: .*(timeout|aborted)/);
  });

  it("ends where nobody listens", async () => {
    const url = await answering(200, "");
    server?.close();
    server?.closeAllConnections();

    await expect(createHttpWitness({ url, verifierKey: VKEY }).addCheckpoint("")).rejects.toThrow(
      "ECONNREFUSED",
    );
  });

  it("reads no answer without end", async () => {
    const url = await listen((_, response) => {
      const more = (): void => {
        if (!response.destroyed && response.write("x".repeat(16_384))) setImmediate(more);
      };
      response.on("drain", more);
      more();
    });

    await expect(createHttpWitness({ url, verifierKey: VKEY }).addCheckpoint("")).rejects.toThrow(
      "above 65536 bytes",
    );
  });
});

describe("a witness", () => {
  it("has the name of its key", () => {
    expect(createHttpWitness({ url: "http://127.0.0.1:9", verifierKey: VKEY })).toMatchObject({
      name: "witness.example/w1",
      verifierKey: VKEY,
    });
  });

  it.each([
    ["ftp://witness.example", VKEY],
    ["witness.example", VKEY],
    ["https://witness.example/?a=b", VKEY],
    ["https://witness.example", "no key"],
    ["https://witness.example", LOG_VKEY],
  ])("is refused as %s with %s", (url, verifierKey) => {
    expect(() => createHttpWitness({ url, verifierKey })).toThrow(
      expect.objectContaining({ code: "invalid-configuration" }),
    );
  });
});
