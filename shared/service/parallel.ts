/** Work on many things at once, with a stated bound. */

/**
 * Calls `work` for each item in order, at most `parallel` at once, and waits for all that were begun.
 * @throws what the first call that failed threw; behind it no further one is begun
 */
export async function forEachParallel<Item>(
  items: readonly Item[],
  parallel: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const [item] = items.slice(next, ++next);
      // cast: the index is below the length, and an item may be undefined itself
      await work(item as Item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
