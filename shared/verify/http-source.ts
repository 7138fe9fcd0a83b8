/** A log behind a server: tiles, bundles and the checkpoint, which anybody may fetch. Lines are not served by leaf. */
import { setTimeout as pause } from "node:timers/promises";
import { UndecidedError } from "#verify/finding.ts";
import type { LogSource } from "#verify/log-source.ts";

const TIMEOUT_MS = 15_000;
const TRIES = 4;
const FIRST_PAUSE_MS = 250;
const PARALLEL = 16;

/** @param url of the service, with or without `/log` behind it */
export function createHttpSource(url: string): LogSource {
  const base = url.replace(/\/+$/, "").replace(/\/log$/, "");
  return {
    name: base,
    parallel: PARALLEL,
    read: async (key, maxBytes) => fetchWhole(`${base}/${key}`, maxBytes),
  };
}

async function fetchWhole(url: string, maxBytes: number): Promise<Uint8Array | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await fetchOnce(url, maxBytes);
    } catch (error) {
      if (error instanceof UndecidedError) throw error;
      const reason = error instanceof Error ? reasonOf(error) : String(error);
      if (tries === TRIES) throw new UndecidedError(`${url} does not answer: ${reason}`, error);
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }
}

/** @throws UndecidedError where trying again is of no use */
async function fetchOnce(url: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
  if (answer.status === 404) {
    await answer.body?.cancel();
    return undefined;
  }
  if (answer.status === 429 || answer.status >= 500) {
    await answer.body?.cancel();
    throw new Error(`status ${answer.status}`);
  }
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new UndecidedError(`${url} answers with status ${answer.status}`);
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // cast: the body of an answer is bytes
  const body = answer.body as ReadableStream<Uint8Array> | null;
  const reader = body?.getReader();
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    bytes += part.value.length;
    if (bytes > maxBytes) {
      await reader?.cancel();
      throw new UndecidedError(`${url} is more than ${maxBytes} bytes`);
    }
    parts.push(part.value);
  }
  return Buffer.concat(parts);
}

/** What `fetch` hides: "fetch failed" alone helps nobody. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
