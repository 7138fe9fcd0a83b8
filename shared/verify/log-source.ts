/** Where the objects of a log are read from, whoever keeps them: a folder, a bucket, a server. Nothing of it is trusted. */

export interface LogSource {
  /** As a person would name it. */
  readonly name: string;
  /** The folder, where it is one. */
  readonly folder?: string | undefined;
  /** How many objects may be asked for at once. */
  readonly parallel: number;
  /**
   * The whole object, or undefined where there is none.
   * @param maxBytes a larger one is refused
   * @throws UndecidedError where it cannot be read
   */
  readonly read: (key: string, maxBytes: number) => Promise<Uint8Array | undefined>;
  /** Keys of all objects below a prefix, in any order; absent where the place cannot say. */
  readonly list?: ((prefix: string) => Promise<readonly string[]>) | undefined;
  /** The bytes of a large object. */
  readonly open?: ((key: string) => AsyncIterable<Uint8Array>) | undefined;
}

/** Reads many objects, at most `source.parallel` at once, and gives them in order. */
export async function* readInOrder<Item, Value>(
  items: Iterable<Item>,
  parallel: number,
  read: (item: Item) => Promise<Value>,
): AsyncGenerator<Value> {
  const ahead: Promise<Value>[] = [];
  for (const item of items) {
    const value = read(item);
    value.catch(() => undefined); // thrown where its turn comes
    ahead.push(value);
    const next = ahead.length >= parallel ? ahead.shift() : undefined;
    if (next !== undefined) yield await next;
  }
  for (const value of ahead) yield await value;
}
