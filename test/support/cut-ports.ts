// Ports that stop working at a chosen call, as for a process that is killed there: with the work of that call done or not, and
// none of any later call.

export interface Cut {
  /** Puts a port under it. Methods answer promises, or streams where they are called `list`. */
  readonly under: <Port extends object>(port: Port) => Port;
  readonly calls: () => number;
}

export class CutError extends Error {
  override readonly name = "CutError";
}

/**
 * @param at number of the call, from 0; Infinity to count them
 * @param isDone whether that call does its work
 */
export function cutAt(at: number, isDone: boolean): Cut {
  let calls = 0;
  const meet = async (work: () => unknown): Promise<unknown> => {
    const call = calls++;
    if (call < at) return work();
    if (call === at && isDone) await work();
    throw new CutError();
  };
  return {
    calls: () => calls,
    under: (port) =>
      new Proxy(port, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== "function" || name === "list") return member;
          return (...args: readonly unknown[]) => meet(() => Reflect.apply(member, target, args) as unknown);
        },
      }),
  };
}
