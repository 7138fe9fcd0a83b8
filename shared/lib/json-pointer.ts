/** JSON Pointers (RFC 6901): how errors name the place in an input. */

/** `path` extended by one member name or array index. */
export function childPointer(path: string, key: PropertyKey): string {
  return `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The pointer of a list of member names and indexes. */
export function toPointer(keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(childPointer, "");
}
