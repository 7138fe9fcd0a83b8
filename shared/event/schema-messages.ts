/** What is wrong with an input, in the words of this project where a schema would use its own. */

/** What a value is, as a sentence goes on behind "is". */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "object":
      return "an object";
    case "undefined":
      return "missing";
    default:
      return `a ${typeof value}`;
  }
}

const WRONG_TYPE = /^Invalid input: expected (\w+), received (\w+)$/;
const TOO_MANY = /^Too big: expected array to have <=(\d+) items$/;

/** The message of a schema's issue; one that this project has written stays as it is. */
export function plainMessage({ message }: { readonly message: string }): string {
  const [, expected, received] = WRONG_TYPE.exec(message) ?? [];
  if (received === "undefined") return "is required";
  if (expected !== undefined) return `is of type ${received}; expected ${expected}`;
  const [, limit] = TOO_MANY.exec(message) ?? [];
  return limit === undefined ? message : `holds more than ${limit} entries, which is the limit`;
}
