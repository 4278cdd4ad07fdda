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
  private readonly shift: number;
  /** For each bucket its owner; negative: the bitwise complement of the index of its first point. */
  private readonly buckets: Int32Array;
  /** Pairs of position and owner. The last one goes round to the first. */
  private readonly points: Uint32Array;

  constructor({ positions, owners }: Ring) {
    const count = positions.length;
    const bits = Math.min(32 - Math.clz32(count) + BITS_MORE, BUCKET_BITS_MAX);
    this.shift = 32 - bits;
    this.points = new Uint32Array(2 * (count + 1));
    for (let i = 0; i < count; i++) {
      this.points[2 * i] = positions[i];
      this.points[2 * i + 1] = owners[i];
    }
    // No position is beyond it, so every search ends.
    this.points[2 * count] = 0xffffffff;
    this.points[2 * count + 1] = count === 0 ? NOBODY : owners[0];
    this.buckets = new Int32Array(2 ** bits);
    let point = 0;
    for (let bucket = 0; bucket < this.buckets.length; bucket++) {
      const first = point;
      while (point < count && positions[point] < (bucket + 1) * 2 ** this.shift) point++;
      this.buckets[bucket] = this.isOneOwners(first, point) && count > 0 ? this.points[2 * first + 1] : ~first;
    }
  }

  /** As `ownerAt` of ring.ts. */
  ownerAt(position: number): number {
    const entry = this.buckets[position >>> this.shift];
    if (entry >= 0) return entry;
    const { points } = this;
    let at = 2 * ~entry;
    while (points[at] < position) at += 2;
    return points[at + 1] | 0;
  }

  /** Whether all points from one to another, the last one included, have the same owner. */
  private isOneOwners(first: number, last: number): boolean {
    const { points } = this;
    for (let point = first; point < last; point++) if (points[2 * point + 1] !== points[2 * last + 1]) return false;
    return true;
  }
}
