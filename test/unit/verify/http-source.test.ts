// A log behind a server: the tree is checked over HTTP as it is in files; a server that is busy is asked again, one that
// answers nonsense is not believed.
import type { ServerResponse } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { startScriptedServer } from "#test/support/scripted-server.ts";
import { flip, read, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";
import { createHttpSource } from "#verify/http-source.ts";
import { readKeys } from "#verify/keys.ts";
import type { Verdict } from "#verify/verify-log.ts";
import { verifyLog } from "#verify/verify-log.ts";

const LIMIT = 1000;

type Answer = (path: string, response: ServerResponse) => void;

async function serve(answer: Answer): Promise<string> {
  const server = await startScriptedServer(({ url }, response) => answer(url, response));
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server.url;
}

function filesOf({ folder }: MadeLog): Answer {
  return (path, response) => {
    read(folder, path.slice(1)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  };
}

async function verdict({ key }: MadeLog, url: string): Promise<Verdict> {
  return verifyLog({
    source: createHttpSource(url),
    keys: readKeys([key.vkey]),
    witnessesRequired: 0,
    known: [],
  });
}

describe("a log behind a server", () => {
  it.each(["", "/", "/log"])("verifies but for its lines, by its address with %j behind it", async (end) => {
    const log = await madeLog({ lines: testLines(700), form: "local" });
    const url = await serve(filesOf(log));

    expect(await verdict(log, url + end)).toMatchObject({
      isVerified: true,
      lines: undefined,
      linesUnchecked: expect.stringContaining("a server gives no lines by leaf") as string,
    });
  });

  it.each([
    ["log/tile/0/001", { kind: "tile", object: "log/tile/0/001", leaf: 256 }],
    ["log/tile/1/000.p/2", { kind: "tile", object: "log/tile/1/000.p/2", leaves: [0, 256] }],
    ["log/tile/entries/002.p/188", { kind: "bundle", object: "log/tile/entries/002.p/188" }],
  ])("is refused where %s was altered", async (key, finding) => {
    const log = await madeLog({ lines: testLines(700), form: "local" });
    await flip(log.folder, key, key.includes("entries") ? 20 : 5);
    const url = await serve(filesOf(log));

    expect(await verdict(log, url)).toMatchObject({ isVerified: false, findings: [finding] });
  });

  it("verifies where full tiles have taken the place of partial ones", async () => {
    const log = await madeLog({ lines: testLines(600), form: "local" });
    const grown = await madeLog({ lines: testLines(1024), form: "local", key: log.key });
    const url = await serve((path, response) =>
      filesOf(path.endsWith("checkpoint") || path.includes("/1/") ? log : grown)(path, response),
    );

    expect(await verdict(log, url)).toMatchObject({ isVerified: true });
  });
});

describe("reading from a server", () => {
  it("asks again where it is busy", async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      response.writeHead(asked === 1 ? 503 : 200).end("text");
    });

    const bytes = await createHttpSource(url).read("log/checkpoint", LIMIT);

    expect([Buffer.from(bytes ?? []).toString(), asked]).toEqual(["text", 2]);
  });

  it("takes 404 for nothing", async () => {
    const url = await serve((_, response) => response.writeHead(404).end());

    expect(await createHttpSource(url).read("log/checkpoint", LIMIT)).toBeUndefined();
  });

  it.each([
    [403, {}, "", /answers with status 403/],
    [302, { location: "/elsewhere" }, "", /does not answer/],
    [200, {}, "x".repeat(LIMIT + 1), /is more than 1000 bytes/],
  ])("is undecided where it answers %i", async (status, headers, body, reason) => {
    const url = await serve((_, response) => response.writeHead(status, headers).end(body));

    await expect(createHttpSource(url).read("log/checkpoint", LIMIT)).rejects.toThrow(reason);
  });
});
