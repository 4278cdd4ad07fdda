/** What the process uses of the machine. */
import { heapStats } from "bun:jsc";
import { readdirSync } from "node:fs";
import { descriptorLimit } from "./descriptors.io.ts";
import type { MemoryFigures, ProcessFigures } from "./processFigures.ts";

/**
 * Returns a function that reads the figures; if the kernel provides none, for lack of a descriptor, it repeats the last
 * ones.
 */
export function processReader(startedAtSeconds: number): () => ProcessFigures {
  const limit = descriptorLimit();
  const descriptorsMax = Number.isFinite(limit) ? limit : undefined;
  let last: ProcessFigures = { startedAtSeconds, cpuSeconds: 0, residentBytes: 0, heapUsedBytes: 0 };
  return () => {
    try {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      last = { startedAtSeconds, cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapUsedBytes: heapUsed };
    } catch {}
    return {
      ...last,
      // Counted where it is shown, for it takes 10 us, and a quarter of a millisecond with a thousand open.
      get descriptorsOpen() {
        return openDescriptors(descriptorsMax);
      },
      descriptorsMax,
    };
  };
}

/** Looking takes one itself: without one left, all that may be open are. */
function openDescriptors(max: number | undefined): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EMFILE" ? max : undefined;
  }
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
