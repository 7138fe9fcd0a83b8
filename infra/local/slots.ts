/** A bound on how many pieces of work are under way at once; what comes later waits in order. */

export interface Slots {
  /** Runs `work` as soon as a slot is free. */
  readonly run: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

export function createSlots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = count;

  return {
    run: async (work) => {
      if (free > 0) free--;
      else {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next(); // the slot is handed on
      }
    },
  };
}
