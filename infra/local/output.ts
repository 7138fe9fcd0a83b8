/**
 * A stream of this process as the commands write to it. A reader that has left, as `head` does, is no failure of theirs:
 * what is written then is dropped, and `hasReader` says so to those who have no other reason to go on. Whatever else
 * keeps text from being written, a full disk say, fails the write.
 */
import type { Writable } from "node:stream";
import type { Output } from "#cli/context.ts";

/** `process.stdout` or `process.stderr`. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** @param isColorless asked only for a terminal */
export function createOutput(stream: OutputStream, isColorless: () => boolean): Output {
  const isTty = stream.isTTY === true;
  let hasReader = true;
  stream.on("error", () => undefined); // each write is told of its own failure
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        if (!hasReader) resolve();
        else {
          stream.write(text, (error) => {
            if (isLostReader(error)) hasReader = false;
            if (!(error instanceof Error) || isLostReader(error)) resolve();
            else reject(new Error(`the output cannot be written: ${error.message}`, { cause: error }));
          });
        }
      }),
    get hasReader() {
      return hasReader;
    },
    isTty,
    get columns() {
      // A terminal that does not know its width says 0.
      return isTty && stream.columns !== undefined && stream.columns > 0 ? stream.columns : undefined;
    },
    get hasColor() {
      return isTty && !isColorless();
    },
  };
}

function isLostReader(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}
