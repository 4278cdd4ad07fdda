/** What the process uses of the machine. */
export interface ProcessFigures {
  readonly startedAtSeconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
}

/** Its memory, in detail. */
export interface MemoryFigures {
  readonly heapUsedBytes: number;
  readonly heapCapacityBytes: number;
  readonly residentBytes: number;
  readonly objects: number;
}
