/** Datagrams as a bulk read brings them. What lies around them in memory are metrics, too. */
import { coreMemory } from "../../src/core/core.ts";
import { Datagrams } from "../../src/core/datagrams.ts";

const STALE = "stale:1|c\n";
const AROUND_BYTES = 64;

export class Slots {
  private readonly datagrams: Datagrams;

  constructor(count: number, bytesMax = 65_536) {
    const stride = AROUND_BYTES * Math.ceil((bytesMax + AROUND_BYTES) / AROUND_BYTES);
    const at = coreMemory.block(this, (count + 1) * stride);
    coreMemory.bytes.fill(STALE, at, at + (count + 1) * stride);
    const lengths = { at: coreMemory.block(this, 4 * count), stride: 4 };
    this.datagrams = new Datagrams({ at: at + AROUND_BYTES, stride }, lengths);
  }

  /** Valid until the next call. */
  of(...datagrams: readonly Buffer[]): Datagrams {
    const { slotsAt, slotStride, lengthsAt } = this.datagrams;
    for (const [i, datagram] of datagrams.entries()) {
      datagram.copy(coreMemory.bytes, slotsAt + i * slotStride);
      coreMemory.words[lengthsAt / 4 + i] = datagram.length;
    }
    this.datagrams.have(datagrams.length);
    return this.datagrams;
  }
}

/** Their bytes, in latin1. */
export function textsOf(datagrams: Datagrams): string[] {
  return Array.from({ length: datagrams.count }, (_, i) => datagrams.view(i).toString("latin1"));
}

/** What asks for blocks of the core's memory next gets some that were used, and are full of what would be taken for anything. */
export function spoilFreeMemory(): void {
  const owner = {};
  for (let bytes = 64; bytes <= 16_384; bytes += 64) {
    const at = coreMemory.block(owner, bytes);
    coreMemory.bytes.fill(0xff, at, at + bytes);
  }
  coreMemory.release(owner);
}
