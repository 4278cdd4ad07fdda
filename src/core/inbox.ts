/** Brings bytes to the core's memory, where they are not there yet. */
import { coreMemory } from "./core.ts";

export class Inbox {
  private at = 0;
  private size = 0;

  /** Where `bytes[start, end)` are in the core's memory, until the next call. */
  bring(bytes: Uint8Array, start: number, end: number): number {
    if (bytes === coreMemory.bytes) return start;
    const length = end - start;
    if (length > this.size) {
      // The one before stays this inbox's own, too: few ever need a second one.
      this.size = Math.max(1024, 2 * length);
      this.at = coreMemory.block(this, this.size);
    }
    coreMemory.bytes.set(bytes.subarray(start, end), this.at);
    return this.at;
  }
}
