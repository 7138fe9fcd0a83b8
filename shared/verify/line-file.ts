/** A file of lines, as the reader of lines is given it. */

export interface LineFile {
  /** For messages, and to find what lies beside it. */
  readonly name: string;
  /** By its name; undefined for the live file, which goes on where the one before it ends. */
  readonly firstLeaf: number | undefined;
  /** By its name; undefined where it does not say. */
  readonly count: number | undefined;
  /** @throws UndecidedError where it cannot be opened */
  readonly open: () => OpenedLines;
}

export interface OpenedLines {
  readonly isCompressed: boolean;
  readonly bytes: AsyncIterable<Uint8Array>;
}
