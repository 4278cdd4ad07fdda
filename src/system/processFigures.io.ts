/** What the process uses of the machine. */
import { heapStats } from "bun:jsc";
import type { MemoryFigures, ProcessFigures } from "./processFigures.ts";

/**
 * Returns a function that reads the figures; if the kernel provides none, for lack of a descriptor, it repeats the last
 * ones.
 */
export function processReader(startedAtSeconds: number): () => ProcessFigures {
  let last = { startedAtSeconds, cpuSeconds: 0, residentBytes: 0, heapUsedBytes: 0 };
  return () => {
    try {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      last = { startedAtSeconds, cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapUsedBytes: heapUsed };
    } catch {}
    return last;
  };
}

/** Like `processReader`, for memory only, in detail. */
export function memoryReader(): () => MemoryFigures {
  let residentBytes = 0;
  return () => {
    try {
      residentBytes = process.memoryUsage.rss();
    } catch {}
    const { heapSize, heapCapacity, objectCount } = heapStats();
    return { heapUsedBytes: heapSize, heapCapacityBytes: heapCapacity, residentBytes, objects: objectCount };
  };
}
