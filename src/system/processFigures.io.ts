/** What the process takes of the machine. */
import { heapStats } from "bun:jsc";
import type { MemoryFigures, ProcessFigures } from "./processFigures.ts";

/** Returns what reads the figures; when the kernel gives none, for want of a descriptor, the last ones again. */
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

/** As `processReader`, of memory alone, and in detail. */
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
