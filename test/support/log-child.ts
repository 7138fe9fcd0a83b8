// A process of its own that opens a log and does what its parent asks over the channel between them; see
// log-process.ts. Dies like any process when it is killed.
import { appendFileSync, closeSync, openSync, statfsSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { FileStore } from "#adapters/file/file-store.ts";
import { openFileStore } from "#adapters/file/file-store.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { findIds, sampleLines } from "#test/contract/sample-lines.ts";
import { isCompressed, untilFiles } from "#test/support/folders.ts";

const TENANT = "default";
const SPARE_DESCRIPTORS = 2;

let store: FileStore | undefined;
let folder = "";
const descriptors: number[] = [];

function opened(): FileStore {
  if (store === undefined) throw new Error("no log is open");
  return store;
}

const COMMANDS = {
  open: async (path: string, options: object) => {
    folder = path;
    store = await openFileStore({ path: join(path, "audit.jsonl"), ...options });
  },
  /** Sends the sample lines [from, to), each in a call of its own or all in one; answers what became of them. */
  send: async (
    from: number,
    to: number,
    how: { readonly messageBytes?: number; readonly isOneCall?: boolean },
  ) => {
    const message = "x".repeat(how.messageBytes ?? 0);
    const lines = sampleLines(TENANT, to, { message }).slice(from);
    const calls = how.isOneCall === true ? [lines] : lines.map((line) => [line]);
    const outcomes: string[] = [];
    for (const call of calls) outcomes.push(...(await opened().send(call)).map(({ kind }) => kind));
    return outcomes;
  },
  find: async () => findIds(opened(), TENANT, { order_desc: false }),
  probe: async () => opened().probe(),
  close: async () => opened().close(),
  /** Writes a file until the disk is full but for `left` bytes. */
  fill: async (left: number) => {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(join(folder, "ballast"), Buffer.alloc(Math.max(0, bavail * bsize - left)));
  },
  /** Resolves when all but `plain` rotated files are compressed. */
  compressed: async (plain: number) => untilFiles(folder, (names) => isCompressed(names, plain)),
  /** Leaves a beginning of a line of so many bytes behind the last one, as a crash does. */
  tear: async (bytes: number) => appendFileSync(join(folder, "audit.jsonl"), "{".repeat(bytes)),
  announce: async (url: string) => opened().announce(url),
  names: async () => (await readdir(folder)).toSorted(),
  unfill: async () => rm(join(folder, "ballast"), { force: true }),
  /** Uses up the descriptors that this process may have. */
  exhaust: async () => {
    try {
      for (;;) descriptors.push(openSync("/dev/null", "r"));
    } catch {
      for (const descriptor of descriptors.splice(0, SPARE_DESCRIPTORS)) closeSync(descriptor);
    }
  },
  relax: async () => {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  },
} as const;

export type LogCommands = typeof COMMANDS;

interface Request {
  readonly number: number;
  readonly name: keyof LogCommands;
  readonly parameters: readonly unknown[];
}

process.on("message", ({ number, name, parameters }: Request) => {
  const command = COMMANDS[name] as (...given: readonly unknown[]) => Promise<unknown>;
  command(...parameters).then(
    (value) => process.send?.({ number, value }),
    (error: unknown) => process.send?.({ number, error: describe(error) }),
  );
});

function describe(error: unknown): object {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof AuditServiceError ? { code: error.code, message } : { message };
}
