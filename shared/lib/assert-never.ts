/** The end of an exhaustive switch: a case that the types say cannot happen. */

/** @throws TypeError always: the types and the data disagree */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected case: ${JSON.stringify(value)}`);
}
