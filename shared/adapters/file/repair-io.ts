/** The file operations on which the crash safety of repair rests, as one seam: tests stop at each of them. */
import {
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { repairDraft, syncFolder } from "#adapters/file/log-folder.ts";

export interface RepairIo {
  /** Writes all of `bytes` at the end of the file. */
  readonly write: (fd: number, bytes: Uint8Array) => void;
  /** Returns once everything written is on the medium. */
  readonly sync: (fd: number) => void;
  readonly rename: (from: string, to: string) => void;
  /** Returns once creations and renames in the folder are on the medium. */
  readonly syncFolder: (folder: string) => void;
}

export const nodeRepairIo: RepairIo = {
  write: (fd, bytes) => {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
  },
  sync: fsyncSync,
  rename: renameSync,
  syncFolder,
};

const MODE_BITS = 0o777;

export interface MakeOptions {
  readonly io: RepairIo;
  /** Open file whose owner and mode the new one gets, so that the service can go on with it whoever repairs. */
  readonly like: number;
}

/**
 * Makes a file by way of a draft beside it, so that it is never there in part, and durable on return. A file at `path`
 * is replaced. Where it fails, the draft is removed: it must not be in the way of a full disk.
 */
export async function makeFile(
  path: string,
  { io, like }: MakeOptions,
  fill: (append: (bytes: Uint8Array) => void) => Promise<void>,
): Promise<void> {
  const draft = repairDraft(path);
  const { mode, uid, gid } = fstatSync(like);
  const fd = openSync(draft, "w", mode & MODE_BITS);
  try {
    const made = fstatSync(fd);
    if (made.uid !== uid || made.gid !== gid) fchownSync(fd, uid, gid);
    await fill((bytes) => io.write(fd, bytes));
    io.sync(fd);
    io.rename(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  io.syncFolder(dirname(path));
}
