/**
 * The files of a local log: `<stem>-<number of the first line, 16 digits>.jsonl`, compressed `.jsonl.gz`, and the live
 * `<stem>.jsonl`. A service may be writing, rotating and compressing them meanwhile: the live file is held open from
 * before the others are listed for good, and a file that is compressed under our hands is found by its new name.
 */
import { closeSync, createReadStream, fstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cannotRead, isMissing, openFile } from "#verify/folder-source.ts";
import { UndecidedError } from "#verify/finding.ts";
import type { LineFile, OpenedLines } from "#verify/line-file.ts";

const READ_BYTES = 1024 * 1024;
const TRIES = 10;

/** @throws UndecidedError where the folder cannot be read, or holds several logs and `stem` names none */
export async function listLocalFiles(folder: string, stem?: string): Promise<readonly LineFile[]> {
  for (let tries = 1; ; tries++) {
    const before = readdirOf(folder);
    const name = stem ?? onlyStem(folder, before);
    if (name === undefined) return [];
    const live = openLive(join(folder, `${name}.jsonl`));
    const after = readdirOf(folder);
    const isSame = rotatedOf(name, before).join() === rotatedOf(name, after).join();
    if (isSame || tries === TRIES) return filesOf(folder, { stem: name, names: after, live });
    if (live !== undefined) closeSync(live);
  }
}

const LINES_NAME = /^(.+?)(?:-\d{16})?\.jsonl(?:\.gz)?$/;

/** @throws UndecidedError where the folder cannot be read */
export function hasLocalFiles(folder: string): boolean {
  return readdirOf(folder).some((name) => LINES_NAME.test(name));
}

function readdirOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw cannotRead(folder, error);
  }
}

/** Numbers of the rotated files, each once: a file may exist in both forms for a moment. */
function rotatedOf(stem: string, names: readonly string[]): readonly string[] {
  const numbers = names.flatMap((name) => {
    const match = /^-(\d{16})\.jsonl(?:\.gz)?$/.exec(name.startsWith(stem) ? name.slice(stem.length) : "");
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return [...new Set(numbers)].sort();
}

function onlyStem(folder: string, names: readonly string[]): string | undefined {
  const stems = new Set(
    names.flatMap((name) => {
      const match = LINES_NAME.exec(name);
      return match?.[1] === undefined ? [] : [match[1]];
    }),
  );
  if (stems.size > 1) {
    const list = [...stems].map((stem) => `${stem}.jsonl`).join(", ");
    throw new UndecidedError(`${folder} holds several logs (${list}); name the live file of one`);
  }
  return [...stems][0];
}

function openLive(path: string): number | undefined {
  try {
    return openFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw cannotRead(path, error);
  }
}

interface Listing {
  readonly stem: string;
  readonly names: readonly string[];
  readonly live: number | undefined;
}

function filesOf(folder: string, { stem, names, live }: Listing): readonly LineFile[] {
  const rotated = rotatedOf(stem, names).map((number): LineFile => {
    const plain = `${stem}-${number}.jsonl`;
    return {
      name: names.includes(plain) ? plain : `${plain}.gz`,
      firstLeaf: Number(number),
      count: undefined,
      open: () => openRotated(join(folder, plain)),
    };
  });
  if (live === undefined) return rotated;
  const { size } = fstatSync(live);
  const file: LineFile = {
    name: `${stem}.jsonl`,
    firstLeaf: undefined,
    count: undefined,
    // An empty range cannot be asked for.
    open: () => ({ isCompressed: false, bytes: streamOf(live, Math.max(0, size - 1)) }),
  };
  return [...rotated, file];
}

/** Whichever form is there now: it may have been compressed since the folder was listed, with the same lines. */
function openRotated(plain: string): OpenedLines {
  try {
    return { isCompressed: false, bytes: streamOf(openFile(plain)) };
  } catch (error) {
    if (!isMissing(error)) throw cannotRead(plain, error);
  }
  try {
    return { isCompressed: true, bytes: streamOf(openFile(`${plain}.gz`)) };
  } catch (error) {
    throw cannotRead(plain, error);
  }
}

function streamOf(fd: number, end?: number): AsyncIterable<Uint8Array> {
  return createReadStream("", { fd, start: 0, end, highWaterMark: READ_BYTES });
}
