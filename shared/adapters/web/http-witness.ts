/**
 * The client of a witness over HTTP (C2SP tlog-witness). Its answers are attacker-controlled: bounded in time and size, never
 * followed elsewhere, and of a cosignature nothing is believed here. Connections are kept alive by the process's pool.
 */
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import type { Witness, WitnessAnswer } from "#service/log-ports.ts";
import { COSIGNATURE_V1, parseVerifierKey } from "#tlog/note.ts";

export interface HttpWitnessOptions {
  /** Submission prefix: `add-checkpoint` is asked below it. */
  readonly url: string;
  /** Verifier key of the witness, algorithm 0x04. */
  readonly verifierKey: string;
  /** For the whole call. @default 2000 */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 2000;
/** A signature line of ML-DSA-44 is 3.3 KB. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REASON_CHARACTERS = 200;
/** C2SP tlog-checkpoint: an ASCII decimal without leading zeros. */
const SIZE = /^(0|[1-9]\d{0,15})\n$/;

/** @throws AuditServiceError `invalid-configuration` where address or key are none */
export function createHttpWitness({ url, verifierKey, timeoutMs }: HttpWitnessOptions): Witness {
  const address = readAddress(url);
  const name = readName(verifierKey);
  return {
    name,
    verifierKey,
    addCheckpoint: async (body) => {
      const { response, text } = await call(address, body, timeoutMs ?? DEFAULT_TIMEOUT_MS).catch(
        (cause: unknown) => {
          throw unanswered(name, `does not answer: ${reasonOf(cause)}`, cause);
        },
      );
      return readAnswer(name, response, text);
    },
  };
}

interface Answered {
  readonly response: Response;
  readonly text: string;
}

async function call(address: URL, body: string, timeoutMs: number): Promise<Answered> {
  const response = await fetch(address, {
    method: "POST",
    body,
    headers: { "content-type": "text/plain; charset=utf-8" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { response, text: await readBounded(response) };
}

async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const arriving: AsyncIterable<Uint8Array> | readonly Uint8Array[] = body ?? [];
  for await (const chunk of arriving) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer above ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readAnswer(name: string, response: Response, text: string): WitnessAnswer {
  const { status } = response;
  if (status === 200) return { kind: "cosigned", lines: text };
  if (status === 409) {
    const size = Number(SIZE.exec(text)?.[1] ?? Number.NaN);
    if (Number.isSafeInteger(size)) return { kind: "at-size", size };
  }
  if (status >= 500 || status === 429 || status === 408) throw unanswered(name, `answers ${status}`);
  return { kind: "refused", reason: `${status} ${firstLine(text)}`.trim() };
}

/** What a stranger wrote, made fit for a log: one line of printable characters. */
function firstLine(text: string): string {
  const [line = ""] = text.split("\n", 1);
  return line.replaceAll(/[^\u0020-\u007e]/g, "?").slice(0, MAX_REASON_CHARACTERS);
}

function unanswered(name: string, what: string, cause?: unknown): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `the witness ${name} ${what}`, {
    ...(cause !== undefined && { cause }),
    retryable: true,
  });
}

/** Node wraps what the network said into a cause. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}

function readAddress(url: string): URL {
  const address = URL.parse(url);
  if (
    address === null ||
    !/^https?:$/.test(address.protocol) ||
    address.search !== "" ||
    address.hash !== ""
  ) {
    throw new AuditServiceError("invalid-configuration", `${url} is not the http address of a witness`);
  }
  address.pathname = `${address.pathname.replace(/\/$/, "")}/add-checkpoint`;
  return address;
}

function readName(verifierKey: string): string {
  try {
    const { name, algorithm } = parseVerifierKey(verifierKey);
    if (algorithm === COSIGNATURE_V1) return name;
  } catch (cause) {
    throw new AuditServiceError("invalid-configuration", `${verifierKey} is not a verifier key`, { cause });
  }
  const message = `${verifierKey} is not the key of a cosigner, whose algorithm byte is 0x04`;
  throw new AuditServiceError("invalid-configuration", message);
}
