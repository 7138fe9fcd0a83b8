// A log in a folder that a test alters, and what the verifier says of it: as a person reads it.
import { newFolder } from "#test/support/folders.ts";
import type { LogOptions, TestKey } from "#test/support/tampered-logs.ts";
import { newKey, ORIGIN, writeLog } from "#test/support/tampered-logs.ts";
import { verdictText } from "#cli/verify-report.ts";
import { createFolderSource } from "#verify/folder-source.ts";
import { readKeys } from "#verify/keys.ts";
import type { KnownCheckpoint, Verdict } from "#verify/verify-log.ts";
import { verifyLog } from "#verify/verify-log.ts";

export interface MadeLog {
  readonly folder: string;
  readonly key: TestKey;
}

interface MadeOptions extends Omit<LogOptions, "key"> {
  /** @default a new one */
  readonly key?: TestKey;
  /** @default a new one that ends with the test */
  readonly folder?: string;
}

export async function madeLog(options: MadeOptions): Promise<MadeLog> {
  const { key = newKey(ORIGIN), ...rest } = options;
  const folder = options.folder ?? (await newFolder());
  await writeLog(folder, { ...rest, key });
  return { folder, key };
}

export interface Trust {
  readonly witnesses?: readonly TestKey[];
  readonly witnessesRequired?: number;
  readonly known?: readonly KnownCheckpoint[];
  /** Name of the live file, without its ending. */
  readonly stem?: string;
}

export async function verdictOf({ folder, key }: MadeLog, trust: Trust = {}): Promise<Verdict> {
  const { witnesses = [], witnessesRequired = witnesses.length, known = [], stem } = trust;
  return verifyLog({
    stem,
    source: createFolderSource(folder),
    keys: readKeys(
      [key.vkey],
      witnesses.map(({ vkey }) => vkey),
    ),
    witnessesRequired,
    known,
  });
}

export async function verdictTextOf(log: MadeLog, trust: Trust = {}): Promise<string> {
  return verdictText(await verdictOf(log, trust), Date.parse("2026-03-01T12:00:10Z"));
}
