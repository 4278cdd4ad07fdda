/**
 * Looks up owners on a ring in constant time. The circle is divided into equal buckets. Most hold no point where the
 * owner changes, and the index knows their owner; for the others it knows the first point to look at.
 *
 *     points:     a b     a            a  a
 *     buckets:  | .    |      |      |      |      |      a power of two
 *     index:      ->a    a      a      a      ->a
 *
 * A busy proxy sleeps between its turns, and what it looks up next has left the processor's cache by then: so what counts
 * is how few cache lines a lookup touches, which is one in most cases.
 */
import { coreMemory } from "../core/core.ts";
import { NO_LIVE_NODE } from "./owner.ts";
import type { Ring } from "./ring.ts";

/** Beyond this many buckets (1 MiB), memory costs more than it saves. */
const BUCKET_BITS_MAX = 18;
/** Buckets for each point, as a power of two, up to twice that. */
const BITS_MORE = 1;

/** `NO_LIVE_NODE` as an unsigned integer. */
const NOBODY = NO_LIVE_NODE >>> 0;

export class RingIndex {
  /** How far a position is shifted to get its bucket. */
  readonly shift: number;
  /**
   * In the core's memory: for each bucket its owner; negative: the bitwise complement of the index of its first point.
   */
  readonly bucketsAt: number;
  /** In the core's memory: pairs of position and owner. The last one goes round to the first. */
  readonly pointsAt: number;

  constructor({ positions, owners }: Ring) {
    const count = positions.length;
    const bits = Math.min(32 - Math.clz32(count) + BITS_MORE, BUCKET_BITS_MAX);
    this.shift = 32 - bits;
    this.pointsAt = coreMemory.block(this, 8 * (count + 1));
    this.bucketsAt = coreMemory.block(this, 4 * 2 ** bits);
    const points = this.points();
    for (let i = 0; i < count; i++) {
      points[2 * i] = positions[i];
      points[2 * i + 1] = owners[i];
    }
    // No position is beyond it, so every search ends.
    points[2 * count] = 0xffffffff;
    points[2 * count + 1] = count === 0 ? NOBODY : owners[0];
    const buckets = coreMemory.words.subarray(this.bucketsAt / 4, this.bucketsAt / 4 + 2 ** bits);
    const width = 2 ** this.shift;
    let point = 0;
    for (let bucket = 0; bucket < buckets.length; bucket++) {
      const first = point;
      const owner = points[2 * first + 1];
      // All points of the bucket, and the one behind it.
      let isOneOwners = count > 0;
      while (point < count && positions[point] < (bucket + 1) * width) {
        point++;
        if (points[2 * point + 1] !== owner) isOneOwners = false;
      }
      buckets[bucket] = isOneOwners ? owner : ~first;
    }
  }

  /** Gives its memory back. Do not use it afterwards. */
  release(): void {
    coreMemory.release(this);
  }

  /** As `ownerAt` of ring.ts. The core has the same, for its own lookups. */
  ownerAt(position: number): number {
    const entry = coreMemory.words[this.bucketsAt / 4 + (position >>> this.shift)] | 0;
    if (entry >= 0) return entry;
    const points = this.points();
    let at = 2 * ~entry;
    while (points[at] < position) at += 2;
    return points[at + 1] | 0;
  }

  private points(): Uint32Array {
    return coreMemory.words.subarray(this.pointsAt / 4);
  }
}
