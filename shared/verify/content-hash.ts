/**
 * The content hash of a stored line, which the sender of the event has as a receipt: over the line without the members that
 * the service added. They are cut out of the bytes, so that nothing rests on how a value would be written again.
 */
import { sha256 } from "#verify/native-hash.ts";

/** Of lines of format version 1, in lower-case hex; undefined where the bytes are no such line. */
export function contentHashOf(line: Uint8Array): string | undefined {
  const text = Buffer.from(line).toString();
  const added = addedTimes(text);
  if (added === undefined) return undefined;
  // A name begins with a quote; behind it an underscore says that the service has put the member in.
  const content = membersOf(text).filter(
    (member) => !member.startsWith('"_') && !added.some((name) => member.startsWith(`"${name}":`)),
  );
  return sha256(Buffer.from(`{${content.join(",")}}`)).toString("hex");
}

/** The members beside those with an underscore that the sender did not give. */
function addedTimes(text: string): readonly string[] | undefined {
  const defaulted = defaultedOf(text);
  if (defaulted === undefined) return undefined;
  return defaulted.includes("timestamp") ? ["received_at", "timestamp"] : ["received_at"];
}

function defaultedOf(text: string): readonly unknown[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !text.startsWith("{") || !text.endsWith("}"))
    return undefined;
  const { _v: version, _defaulted: defaulted }: { _v?: unknown; _defaulted?: unknown } = value;
  return version === 1 && Array.isArray(defaulted) ? defaulted : undefined;
}

/** The members of a JSON object as they stand, `"name":value`. */
function membersOf(text: string): readonly string[] {
  const members: string[] = [];
  let start = 1;
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isString) {
      if (character === "\\") at++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (isString || depth > 1 || (depth === 1 && character !== ",")) continue;
    members.push(text.slice(start, at));
    start = at + 1;
  }
  return members;
}
