/** Datagrams in the core's memory, as a bulk read brings them: each in a slot of its own, with its length elsewhere. */
import { coreMemory } from "./core.ts";

export class Datagrams {
  /** How many there are now. */
  count = 0;
  /** The length of all together. */
  bytes = 0;
  /** Position of the first slot, and from there to the next. */
  slotsAt: number;
  readonly slotStride: number;
  /** Position of the first one's length, a word, and from there to the next. */
  readonly lengthsAt: number;
  readonly lengthStride: number;

  constructor(slots: { readonly at: number; readonly stride: number }, lengths: typeof slots) {
    this.slotsAt = slots.at;
    this.slotStride = slots.stride;
    this.lengthsAt = lengths.at;
    this.lengthStride = lengths.stride;
  }

  /** Takes note of how many were read. */
  have(count: number): void {
    this.count = count;
    this.bytes = 0;
    for (let i = 0; i < count; i++) this.bytes += this.lengthOf(i);
  }

  /** One of them, valid until the next read. */
  view(datagram: number): Buffer {
    const start = this.slotsAt + datagram * this.slotStride;
    return coreMemory.bytes.subarray(start, start + this.lengthOf(datagram));
  }

  private lengthOf(datagram: number): number {
    return coreMemory.words[(this.lengthsAt + datagram * this.lengthStride) / 4];
  }
}
