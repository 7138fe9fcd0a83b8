/** The three file operations on which durability rests, as one seam: tests make each of them fail on demand. */
import { closeSync, existsSync, fdatasync, ftruncate, openSync, write } from "node:fs";

export interface FileIo {
  /** Writes all of `bytes` at byte `position`. */
  write(fd: number, bytes: Uint8Array, position: number): Promise<void>;
  /** Returns once everything written, and the size, is on the medium. */
  sync(fd: number): Promise<void>;
  truncate(fd: number, size: number): Promise<void>;
}

export const nodeFileIo: FileIo = {
  write: (fd, bytes, position) =>
    new Promise((resolve, reject) => {
      const writeFrom = (start: number): void => {
        write(fd, bytes, start, bytes.length - start, position + start, (error, written) => {
          if (error !== null) reject(error);
          else if (start + written < bytes.length) writeFrom(start + written);
          else resolve();
        });
      };
      writeFrom(0);
    }),
  sync: (fd) =>
    new Promise((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
    }),
  truncate: (fd, size) =>
    new Promise((resolve, reject) => {
      ftruncate(fd, size, (error) => (error === null ? resolve() : reject(error)));
    }),
};

/** Makes durable what a file holds; one that does not exist has nothing to lose. */
export async function syncFile(path: string, io: FileIo): Promise<void> {
  if (!existsSync(path)) return;
  const fd = openSync(path, "r+");
  try {
    await io.sync(fd);
  } finally {
    closeSync(fd);
  }
}
