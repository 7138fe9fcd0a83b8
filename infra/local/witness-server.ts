/**
 * A witness on one machine: key and checkpoints in a folder, and a small HTTP server in front. Whoever reaches the port may
 * ask; only checkpoints that a watched log has signed are looked into further.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import { join } from "node:path";
import { openFileWitnessStore } from "#adapters/file/file-witness-store.ts";
import { openKey } from "#adapters/file/key-file.ts";
import { keepEvidence } from "#adapters/file/witness-evidence.ts";
import type { WitnessRun } from "#cli/context.ts";
import { createBodyReader } from "#infra/local/body-reader.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import type { Clock } from "#service/ports.ts";
import type { WitnessReply } from "#service/witness-ports.ts";
import { createWitnessRequests } from "#service/witness-requests.ts";
import { createWitness, logsOfKeys, MAX_WITNESS_BODY_BYTES } from "#service/witness.ts";

export interface WitnessServer {
  /** Such as `http://127.0.0.1:8100`. */
  readonly url: string;
  readonly verifierKey: string;
  readonly stop: () => Promise<void>;
}

export interface WitnessServerOptions extends WitnessRun {
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /** Hears what went wrong, in words. */
  readonly say: (text: string) => void;
}

type Requests = ReturnType<typeof createWitnessRequests>;

const KEY_FILE = "witness.key";
const NAME_BYTES = 8;
/** Requests are small and answered at once; whoever is slower than this is none of a log. */
const REQUEST_TIMEOUT_MS = 10_000;
/** A log asks every few seconds. */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

/**
 * Runs a witness until SIGINT or SIGTERM.
 * @returns the exit code: 0 after an orderly end, 1 where it could not start, with the reason on stderr
 */
export async function runWitness(run: WitnessRun): Promise<number> {
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  try {
    const server = await startWitnessServer({ ...run, say });
    say(`witness of ${run.logKeys.length} log keys at ${server.url}, with the verifier key`);
    process.stdout.write(`${server.verifierKey}\n`);
    await new Promise((resolve) => {
      process.once("SIGINT", resolve);
      process.once("SIGTERM", resolve);
    });
    await server.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof AuditServiceError)) throw error;
    say(`auditlog witness: ${error.message}`);
    return 1;
  }
}

/**
 * @throws AuditStorageError `folder-locked` where another process has the folder
 * @throws AuditServiceError `invalid-configuration` where key file, name or address do not do
 */
export async function startWitnessServer(options: WitnessServerOptions): Promise<WitnessServer> {
  const { folder, host, port, say, clock = { nowMs: Date.now } } = options;
  const store = openFileWitnessStore(folder);
  try {
    const witness = createWitness({
      logs: logsOfKeys(options.logKeys),
      store,
      signer: openSigner(folder, options.name),
      clock,
      verify: verifyEd25519,
    });
    const requests = createWitnessRequests(witness, ({ message }) => say(`not answered: ${message}`));
    const watched: Requests = async (request) => {
      const reply = await requests(request);
      if (reply.isContradiction)
        say(contradiction(reply, { folder, body: request.body, nowMs: clock.nowMs() }));
      return reply;
    };
    const server = createHttpServer(watched, say);
    const url = await listen(server, host, port);
    return {
      url,
      verifierKey: witness.verifierKey,
      stop: async () => {
        const closed = once(server, "close");
        server.close();
        server.closeAllConnections();
        await closed;
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Keeps the request; a disk that cannot is told of, and the refusal stands. */
function contradiction(
  { body: reason }: WitnessReply,
  { folder, body, nowMs }: { readonly folder: string; readonly body: string; readonly nowMs: number },
): string {
  const head = `a log contradicts itself (answered: ${reason.trimEnd()})`;
  try {
    return `${head}; the request is kept in ${keepEvidence(folder, { body, nowMs })}`;
  } catch (error) {
    return `${head}; the request cannot be kept (${String(error)}):\n${body}`;
  }
}

function openSigner(folder: string, name: string | undefined): ReturnType<typeof openKey> {
  const path = join(folder, KEY_FILE);
  const signer = openKey(
    path,
    () => name ?? `audit-witness.local/${randomBytes(NAME_BYTES).toString("hex")}`,
  );
  if (name === undefined || name === signer.name) return signer;
  const message = `the key ${path} is of ${signer.name}, and not of ${name}; a witness keeps its name`;
  throw new AuditServiceError("invalid-configuration", message);
}

function createHttpServer(requests: Requests, say: (text: string) => void): Server {
  const bodies = createBodyReader({ maxBufferedBytes: MAX_BUFFERED_BYTES });
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  server.maxConnections = MAX_CONNECTIONS;

  const answer = async (request: IncomingMessage): Promise<WitnessReply | undefined> => {
    const received = await bodies.receive(request, MAX_WITNESS_BODY_BYTES);
    if (received.kind === "gone") return undefined;
    if (received.kind === "too-large") return refusal(413, `the limit is ${MAX_WITNESS_BODY_BYTES} bytes\n`);
    if (received.kind === "no-memory") return refusal(503, "too much at once; try again\n");
    try {
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      return await requests({ method: request.method ?? "", path, body: received.bytes.toString("utf8") });
    } finally {
      bodies.release(received.bytes.length);
    }
  };

  return server.on("request", (request, response) => {
    const finish = (reply: WitnessReply | undefined): void => {
      if (reply === undefined) return;
      const length = Buffer.byteLength(reply.body);
      const isUnread = !request.complete; // what was not read would stand before the next request
      response.writeHead(reply.status, {
        "content-type": reply.contentType,
        "content-length": length,
        ...(isUnread && { connection: "close" }),
      });
      response.end(request.method === "HEAD" ? undefined : reply.body);
    };
    answer(request).then(finish, (error: unknown) => {
      say(`not answered: ${String(error)}`);
      finish(refusal(500, "the witness has a defect\n"));
    });
  });
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const message = `${host}:${port} cannot be listened on: ${String(cause)}`;
    throw new AuditServiceError("invalid-configuration", message, { cause });
  }
  const address = server.address();
  const chosen = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${chosen}`;
}

function refusal(status: number, body: string): WitnessReply {
  return { status, contentType: "text/plain; charset=utf-8", body };
}
