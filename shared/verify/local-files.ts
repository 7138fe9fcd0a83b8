/**
 * The files of a local log: `<stem>-<number of the first line, 16 digits>.jsonl`, compressed `.jsonl.gz`, and the live
 * `<stem>.jsonl`. A service may be writing, rotating and compressing them meanwhile: the live file is held open from
 * before the others are listed for good, and a file that is compressed under our hands is found by its new name.
 */
import { closeSync, createReadStream, existsSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cannotRead, isMissing } from "#verify/folder-source.ts";
import { UndecidedError } from "#verify/finding.ts";
import type { LineFile } from "#verify/line-file.ts";

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
      const match = /^(.+?)(?:-\d{16})?\.jsonl(?:\.gz)?$/.exec(name);
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
    return openSync(path, "r");
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
    const isCompressed = !names.includes(plain);
    const name = isCompressed ? `${plain}.gz` : plain;
    const path = join(folder, name);
    // Compressed between listing and opening: the lines are the same.
    const isGone = (): boolean => !isCompressed && !existsSync(path);
    return {
      name,
      firstLeaf: Number(number),
      count: undefined,
      get isCompressed() {
        return isCompressed || isGone();
      },
      open: () => createReadStream(isGone() ? `${path}.gz` : path, { highWaterMark: READ_BYTES }),
    };
  });
  if (live === undefined) return rotated;
  const { size } = fstatSync(live);
  const file: LineFile = {
    name: `${stem}.jsonl`,
    firstLeaf: undefined,
    count: undefined,
    isCompressed: false,
    // An empty range cannot be asked for.
    open: () =>
      createReadStream("", {
        fd: live,
        start: 0,
        end: Math.max(0, size - 1),
        highWaterMark: READ_BYTES,
      }),
  };
  return [...rotated, file];
}
