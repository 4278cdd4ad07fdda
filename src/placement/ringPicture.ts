/** A picture of the ring, for people. It is self-contained: the next one may have other nodes, or another order. */
import { ownerAt, type Ring } from "./ring.ts";

export interface RingPicture {
  /** Labels of the nodes in the picture. */
  readonly labels: readonly string[];
  /**
   * The owner of each of the equal parts of the circle, an index of `labels` or `NO_LIVE_NODE`; undefined: mirroring.
   */
  readonly parts: readonly number[] | undefined;
  /** Each node's share of the names while all are up; undefined: mirroring. */
  readonly fullShares: readonly number[] | undefined;
}

/** The owner of each of `count` equal parts of the circle, taken at its middle. */
export function partOwners(ring: Ring, count: number): number[] {
  return Array.from({ length: count }, (_, i) => ownerAt(ring, Math.floor(((i + 0.5) / count) * 2 ** 32)));
}
