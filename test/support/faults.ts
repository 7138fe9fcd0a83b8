// Faults on demand, and only on demand: any method of any port, and the file operations on which durability rests.
// Nothing here is left to chance or time, so a test that fails, fails every time.
import type { FileIo } from "#adapters/file/file-io.ts";
import { nodeFileIo } from "#adapters/file/file-io.ts";

/** What a method does instead of its work. */
type Fault =
  | { readonly kind: "throw"; readonly error: Error }
  | { readonly kind: "hold"; readonly hold: Hold };

/** Calls that wait until they are let go. */
export interface Hold {
  /** Resolves when the first call waits. */
  readonly reached: Promise<void>;
  /** Lets the waiting calls, and all later ones, do their work. */
  readonly release: () => void;
  /** Makes the waiting calls reject; later ones do their work. */
  readonly fail: (error: Error) => void;
}

export interface FaultyPort<Port extends object> {
  readonly port: Port;
  /** The next `times` calls of `method` reject with `error`. */
  readonly fail: (method: keyof Port, error: Error, times?: number) => void;
  /** Calls of `method` wait from now on. */
  readonly hold: (method: keyof Port) => Hold;
  /** All methods work again. */
  readonly heal: () => void;
  readonly calls: (method: keyof Port) => number;
}

/** A port in front of `inner` whose methods fail or wait on demand. All methods must answer promises. */
export function withFaults<Port extends object>(inner: Port): FaultyPort<Port> {
  const faults = new Map<PropertyKey, Fault[]>();
  const counts = new Map<PropertyKey, number>();
  const port = new Proxy(inner, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        await meet(faults.get(name));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
  return {
    port,
    fail: (method, error, times = 1) => {
      const thrown = Array.from({ length: times }, (): Fault => ({ kind: "throw", error }));
      faults.set(method, [...(faults.get(method) ?? []), ...thrown]);
    },
    hold: (method) => {
      const { hold } = createHold(() => faults.delete(method));
      faults.set(method, [{ kind: "hold", hold }]);
      return hold;
    },
    heal: () => faults.clear(),
    calls: (method) => counts.get(method) ?? 0,
  };
}

async function meet(queue: Fault[] | undefined): Promise<void> {
  const fault = queue?.[0];
  if (fault === undefined) return;
  if (fault.kind === "throw") {
    queue?.shift();
    throw fault.error;
  }
  await waitAt(fault.hold);
}

const WAITERS = new WeakMap<Hold, { readonly arrive: () => void; readonly free: Promise<unknown> }>();

async function waitAt(hold: Hold): Promise<void> {
  const waiter = WAITERS.get(hold);
  waiter?.arrive();
  await waiter?.free;
}

function createHold(onRelease: () => unknown): { readonly hold: Hold } {
  const arrival = Promise.withResolvers<undefined>();
  const freedom = Promise.withResolvers<undefined>();
  const hold: Hold = {
    reached: arrival.promise.then(() => undefined),
    release: () => {
      onRelease();
      freedom.resolve(undefined);
    },
    fail: (error) => {
      onRelease();
      freedom.reject(error);
    },
  };
  freedom.promise.catch(() => undefined); // nobody may be waiting
  WAITERS.set(hold, {
    arrive: () => arrival.resolve(undefined),
    free: freedom.promise,
  });
  return { hold };
}

/** An error as the file system reports it. */
export function systemError(code: "ENOSPC" | "EIO" | "EDQUOT" | "EROFS" | "EMFILE"): Error {
  return Object.assign(new Error(`${code}: made to fail`), { code });
}

export type FileOperation = keyof FileIo;

export interface WriteFault {
  readonly error: Error;
  /** So many bytes reach the file before the failure, as when a disk fills up. @default 0 */
  readonly afterBytes?: number;
  /** @default 1 */
  readonly times?: number;
}

/** The real file operations, with faults on demand. */
export interface FaultyFileIo extends FileIo {
  /** Every call so far, in order, also those that failed. */
  readonly journal: readonly FileOperation[];
  readonly failWrites: (fault: WriteFault) => void;
  readonly fail: (operation: "sync" | "truncate", error: Error, times?: number) => void;
  readonly hold: (operation: FileOperation) => Hold;
  readonly heal: () => void;
}

export function faultyFileIo(): FaultyFileIo {
  const { port, fail, hold, heal } = withFaults<FileIo>({ ...nodeFileIo });
  const journal: FileOperation[] = [];
  const partial: WriteFault[] = [];

  const write: FileIo["write"] = async (fd, bytes, position) => {
    journal.push("write");
    const fault = partial.shift();
    if (fault === undefined) return port.write(fd, bytes, position);
    const reached = bytes.subarray(0, fault.afterBytes ?? 0);
    if (reached.length > 0) await nodeFileIo.write(fd, reached, position);
    throw fault.error;
  };

  return {
    journal,
    write,
    sync: (fd) => {
      journal.push("sync");
      return port.sync(fd);
    },
    truncate: (fd, size) => {
      journal.push("truncate");
      return port.truncate(fd, size);
    },
    failWrites: (fault) => {
      for (let time = 0; time < (fault.times ?? 1); time++) partial.push(fault);
    },
    fail,
    hold,
    heal: () => {
      partial.length = 0;
      heal();
    },
  };
}
