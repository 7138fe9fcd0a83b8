/** The one error of this library. Its code is stable; its message says what was refused, with which value and limit. */

/**
 * - `malformed`: an input breaks its format or a limit
 * - `inconsistent`: well-formed inputs contradict each other, as a tile and the root it should lead to
 * - `bad-signature`: a known key's signature is wrong, or no known key signed
 * - `missing-tile`: a tile that the computation needs was not given
 */
export type TlogErrorCode = "malformed" | "inconsistent" | "bad-signature" | "missing-tile";

export class TlogError extends Error {
  readonly code: TlogErrorCode;

  constructor(code: TlogErrorCode, message: string) {
    super(message);
    this.name = "TlogError";
    this.code = code;
  }
}
