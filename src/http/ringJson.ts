/** The picture of the ring, as JSON for the page. It is self-contained: `/stats.json` may list other nodes by now. */
import type { RingPicture } from "../placement/ringPicture.ts";

export interface RingJson {
  /** Labels of the nodes in the picture. */
  readonly nodes: readonly string[];
  /** Indexes of `nodes`: the owner of each of the equal parts of the circle; -1: none. Null: mirroring. */
  readonly parts: readonly number[] | null;
  /** Each node's share of the names while all are up. */
  readonly full_shares: readonly number[] | null;
}

export function ringJson({ labels, parts, fullShares }: RingPicture): RingJson {
  return { nodes: labels, parts: parts ?? null, full_shares: fullShares ?? null };
}
