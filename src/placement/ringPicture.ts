/** A picture of the ring, for people. It stands for itself: the next may be of other nodes, or of another order. */
import { ownerAt, type Ring } from "./ring.ts";

export interface RingPicture {
  /** Of the nodes that the picture is of. */
  readonly labels: readonly string[];
  /** The owner of each of as many equal parts of the circle, an index of `labels` or `NO_LIVE_NODE`; undefined: mirroring. */
  readonly parts: readonly number[] | undefined;
  /** Each node's share of the names while all are up; undefined: mirroring. */
  readonly fullShares: readonly number[] | undefined;
}

/** The owner of each of `count` equal parts of the circle, at its middle. */
export function partOwners(ring: Ring, count: number): number[] {
  return Array.from({ length: count }, (_, i) => ownerAt(ring, Math.floor(((i + 0.5) / count) * 2 ** 32)));
}
