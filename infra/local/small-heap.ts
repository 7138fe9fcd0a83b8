/**
 * Keeps the heaps of the process small: left alone V8 lets a young generation grow to 64 MB and an old one to a multiple
 * of what lives in it, over 100 MB of the 400 MB that the service may take, for no speed that stands out from the noise.
 * V8 reads the limit of a young generation only when a process begins, so growth is stopped at the wanted size.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

const BYTES_PER_MIB = 1024 * 1024;
/** Of one half of the young generation of the main thread. */
const MAIN_BYTES = 16 * BYTES_PER_MIB;
/** Of threads that are started later: they begin with it. */
const WORKER_MIB = 8;
/** An old generation is collected when it has grown by so much since the last time. */
const GROWTH_PERCENT = 100;

export function keepHeapsSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString(`--min-semi-space-size=${WORKER_MIB}`);
  const observer = new PerformanceObserver(() => {
    if (youngBytes() < MAIN_BYTES) return;
    setFlagsFromString("--semi-space-growth-factor=1");
    observer.disconnect();
  });
  observer.observe({ entryTypes: ["gc"] });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}
