/**
 * Text from events on a terminal. It is attacker-controlled: control characters, which could rewrite the screen or the
 * title, are shown as pictures, and so are the marks that change the direction of writing.
 */

const CONTROL_PICTURES = 0x2400;
const DELETE_PICTURE = "\u2421";
const REPLACEMENT = "\ufffd";
const ELLIPSIS = "…";

/** C0 and C1 controls, line separators, and the characters that reorder or hide text. */
const UNSAFE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;
/** Scripts and symbols that take two columns (Unicode East Asian Width, in outline). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;
const ASCII = /^[\x20-\x7e]*$/;

/** One line that shows what is there and does nothing. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
    return code === 0x7f ? DELETE_PICTURE : REPLACEMENT;
  });
}

/** Text of several lines that keeps its line ends and does nothing else. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join("\n");
}

/** Columns that printable text takes. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Text of exactly `width` columns: padded, or cut with an ellipsis at its end or, where the end tells more, its start. */
export function fitText(text: string, width: number, cut: "end" | "start" = "end"): string {
  const has = textWidth(text);
  if (has <= width) return text + " ".repeat(width - has);
  const characters = Array.from(text);
  if (cut === "start") characters.reverse();
  const kept: string[] = [];
  let used = 1; // the ellipsis
  for (const character of characters) {
    const next = characterWidth(character);
    if (used + next > width) break;
    used += next;
    kept.push(character);
  }
  const padding = " ".repeat(Math.max(0, width - used));
  return cut === "start"
    ? `${ELLIPSIS}${kept.toReversed().join("")}${padding}`
    : `${kept.join("")}${ELLIPSIS}${padding}`;
}

/**
 * JSON text, or lines of it, that a terminal takes as nothing but text and that means the same: what JSON may hold raw
 * and is unsafe, such as C1 controls, is escaped. Line ends are its own: a string holds none raw.
 */
export function safeJson(json: string): string {
  return json.replaceAll(UNSAFE, (character) => {
    if (character === "\n") return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** `1234567` as `1,234,567`, whatever the machine's locale. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
