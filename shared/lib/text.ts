/** Measures and checks of strings that the event model limits: UTF-8 bytes, characters, well-formedness. */

/** Whether `text` takes at most `maxBytes` bytes in UTF-8; does not encode unless it is close. */
export function fitsUtf8(text: string, maxBytes: number): boolean {
  // A UTF-16 code unit takes 1 to 3 bytes (a surrogate pair takes 4 for two units).
  if (text.length * 3 <= maxBytes) return true;
  return text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes;
}

/** Whether `text` holds at most `maxCharacters` Unicode code points. */
export function fitsCharacters(text: string, maxCharacters: number): boolean {
  if (text.length <= maxCharacters) return true;
  if (text.length > maxCharacters * 2) return false;
  return countCharacters(text) <= maxCharacters;
}

/** Unicode code points; a lone surrogate counts as one. */
export function countCharacters(text: string): number {
  let characters = 0;
  for (const _ of text) characters++;
  return characters;
}

/** What makes `text` unfit to be stored, or undefined: a lone surrogate or a NUL. */
export function stringProblem(text: string): string | undefined {
  if (!text.isWellFormed()) return "holds a lone surrogate; strings must be well-formed Unicode";
  if (text.includes("\0")) return "holds a NUL character (U+0000)";
  return undefined;
}
