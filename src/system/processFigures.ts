/** What the process uses of the machine. */
export interface ProcessFigures {
  readonly startedAtSeconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  /** File descriptors; undefined if the system cannot tell. */
  readonly descriptorsOpen?: number | undefined;
  readonly descriptorsMax?: number | undefined;
}

/** Its memory, in detail. */
export interface MemoryFigures {
  readonly heapUsedBytes: number;
  readonly heapCapacityBytes: number;
  readonly residentBytes: number;
  readonly objects: number;
}
