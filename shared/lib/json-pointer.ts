/** JSON Pointers (RFC 6901): how errors name the place in an input. */

const MAX_SHOWN_CHARACTERS = 1024;

/** `path` extended by one member name or array index. */
export function childPointer(path: string, key: PropertyKey): string {
  return `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The pointer of a list of member names and indexes. */
export function toPointer(keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(childPointer, "");
}

/**
 * `path` as an error shows it: where it is longer than 1,024 characters, the pointer of an enclosing value.
 * Member names are attacker-controlled, and an answer must not be many times larger than its request.
 */
export function shownPointer(path: string): string {
  return path.length <= MAX_SHOWN_CHARACTERS
    ? path
    : path.slice(0, path.lastIndexOf("/", MAX_SHOWN_CHARACTERS));
}

/** The pointer of a list of names and indexes, as an error shows it: where it is too long, that of an enclosing value. */
export function shortPointer(keys: readonly (string | number)[]): string {
  let path = "";
  for (const key of keys) {
    const next = String(key).length > MAX_SHOWN_CHARACTERS ? undefined : childPointer(path, key);
    if (next === undefined || next.length > MAX_SHOWN_CHARACTERS) return path;
    path = next;
  }
  return path;
}
