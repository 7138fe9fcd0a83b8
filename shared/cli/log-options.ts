/** What the commands about proofs share: keys from arguments or files, known checkpoints, and the state file. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { Flags } from "#cli/options.ts";
import { textFlag } from "#cli/options.ts";
import { toHex } from "#tlog/bytes.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import type { SignedCheckpoint } from "#verify/checkpoint-check.ts";
import { checkCheckpoint } from "#verify/checkpoint-check.ts";
import { UndecidedError } from "#verify/finding.ts";
import { isMissing } from "#verify/folder-source.ts";
import type { TrustedKeys } from "#verify/keys.ts";
import { readKeys } from "#verify/keys.ts";
import type { KnownCheckpoint } from "#verify/verify-log.ts";

/** Nothing is proven either way: something cannot be reached or read. */
export const EXIT_UNDECIDED = 3;

/** Sentence for the help of each command that checks something. */
export const KEY_HELP = `
--key is the log's verifier key, or a file of one or several; it must come from somebody whom you trust, not from the
place that you check. The service prints it at its start and answers it under /log/vkey.`;

export function addKeyOptions(command: Command): Command {
  return command
    .option(
      "--key <vkey|file>",
      "verifier key of the log; keys of cosigners may stand in the file too",
      collect,
    )
    .option(
      "--witness <vkey|file>",
      "verifier key of a witness that must have cosigned (can be repeated)",
      collect,
    );
}

export function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

export function listFlag(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A command was given what it cannot work with. */
export class UsageError extends Error {}

/** @throws Error where a key is none, with what was given; UsageError where there is none of a log */
export async function keysOf(flags: Flags): Promise<TrustedKeys> {
  const texts = await Promise.all(listFlag(flags, "key").map(keyText));
  const witnesses = await Promise.all(listFlag(flags, "witness").map(keyText));
  const keys = orError(() => readKeys(texts, witnesses));
  if (keys.log.length === 0) throw new UsageError("--key holds no verifier key of a log");
  return keys;
}

function orError(read: () => TrustedKeys): TrustedKeys {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new Error(`a key cannot be read: ${error.message}`, { cause: error });
  }
}

/** A verifier key holds two pluses; a path that does is no file, or must be written with `./`. */
async function keyText(given: string): Promise<string> {
  if (/^[^/+\s]\S*\+[0-9a-f]{8}\+\S+$/.test(given)) return given;
  try {
    return await readFile(given, "utf8");
  } catch (error) {
    if (isMissing(error)) throw new Error(`${given} is neither a verifier key nor a file`, { cause: error });
    throw error;
  }
}

/** Checkpoints that were kept elsewhere. @throws Error where a file cannot be read */
export async function knownCheckpoints(paths: readonly string[]): Promise<readonly KnownCheckpoint[]> {
  return Promise.all(
    paths.map(async (path) => {
      try {
        return { name: path, note: await readFile(path, "utf8") };
      } catch (error) {
        if (isMissing(error)) throw new Error(`${path}: there is no such file`, { cause: error });
        throw error;
      }
    }),
  );
}

/** Where the last checkpoint of a log is kept; undefined where none is to be. */
export function statePath(flags: Flags, keys: TrustedKeys, stateFolder: () => string): string | undefined {
  if (flags["state"] === false) return undefined;
  const given = textFlag(flags, "state");
  const [key] = keys.log;
  if (given !== undefined || key === undefined) return given;
  const origin = key.name.replaceAll(/[^A-Za-z0-9.-]/g, "_");
  return join(stateFolder(), `${origin}+${toHex(key.keyId)}.checkpoint`);
}

/**
 * The checkpoint that was verified last.
 * @throws UndecidedError where the file is not what this program kept under this key, which says nothing of the log
 */
export async function readState(path: string, keys: TrustedKeys): Promise<readonly KnownCheckpoint[]> {
  let note: string;
  try {
    note = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const checked = checkCheckpoint(note, keys, path);
  if (checked.kind === "signed") return [{ name: path, note }];
  const advice =
    "take the right one with --state; moved away, a new one is begun, and a rollback before it is not noticed";
  throw new UndecidedError(
    `the state file ${path} does not fit this key: ${checked.finding.meaning}; ${advice}`,
  );
}

/** Never leaves half a file behind. */
export async function writeState(path: string, { note }: SignedCheckpoint): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, note, { flush: true });
  await rename(draft, path);
}
