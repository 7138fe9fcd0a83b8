/**
 * Keeps what shows that a log has signed two histories: each such request to a witness, whole, in a file of the witness's
 * folder. The same request is kept once, and only the newest ones are: a log that has split asks again and again.
 */
import { hash } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "#adapters/file/log-folder.ts";

const NAME = /^contradiction-\d{8}T\d{9}Z-[0-9a-f]{16}\.txt$/;
const DIGITS = 16;
/** With requests of at most 64 KiB, 6.4 MB. */
const MAX_FILES = 100;

/** @returns the path of the file, be it new or there already */
export function keepEvidence(folder: string, { body, nowMs }: { body: string; nowMs: number }): string {
  const names = readdirSync(folder)
    .filter((name) => NAME.test(name))
    .toSorted();
  const digest = hash("sha256", body).slice(0, DIGITS);
  const known = names.find((name) => name.endsWith(`-${digest}.txt`));
  if (known !== undefined) return join(folder, known);
  const time = new Date(nowMs).toISOString().replaceAll(/[-:.]/g, "");
  const path = join(folder, `contradiction-${time}-${digest}.txt`);
  writeFileSync(path, body, { mode: 0o600, flush: true });
  syncFolder(folder);
  for (const name of names.slice(0, Math.max(0, names.length + 1 - MAX_FILES))) rmSync(join(folder, name));
  return path;
}
