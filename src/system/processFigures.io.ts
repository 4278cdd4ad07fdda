/** What the process uses of the machine. */
import { heapStats } from "bun:jsc";
import { readdirSync } from "node:fs";
import { descriptorLimit } from "./descriptors.io.ts";
import type { MemoryFigures, ProcessFigures } from "./processFigures.ts";

/**
 * Returns a function that reads the figures. What takes long is read where it is shown, for all of this is asked once a
 * second. Where that fails, for lack of a descriptor, it is as it was when it was read last.
 */
export function processReader(startedAtSeconds: number): () => ProcessFigures {
  const limit = descriptorLimit();
  const descriptorsMax = Number.isFinite(limit) ? limit : undefined;
  // Whoever asks without a descriptor left may be the first to ask.
  let lastMemory = process.memoryUsage();
  const memory = () => {
    try {
      lastMemory = process.memoryUsage();
    } catch {}
    return lastMemory;
  };
  return () => {
    const { user, system } = process.cpuUsage();
    return {
      startedAtSeconds,
      cpuSeconds: (user + system) / 1e6,
      // 150 us in a process that is mostly asleep.
      get residentBytes() {
        return memory().rss;
      },
      get heapUsedBytes() {
        return memory().heapUsed;
      },
      // 10 us, and a quarter of a millisecond with a thousand open.
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
  let residentBytes = process.memoryUsage.rss();
  return () => {
    try {
      residentBytes = process.memoryUsage.rss();
    } catch {}
    const { heapSize, heapCapacity, objectCount } = heapStats();
    return { heapUsedBytes: heapSize, heapCapacityBytes: heapCapacity, residentBytes, objects: objectCount };
  };
}
