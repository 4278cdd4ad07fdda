/** Memory of the process. */
export interface MemoryFigures {
  readonly heapUsedBytes: number;
  readonly heapCapacityBytes: number;
  readonly residentBytes: number;
  readonly objects: number;
}
