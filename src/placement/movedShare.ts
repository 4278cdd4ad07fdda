/** How much of the circle changes hands between two rings: the part of the names that move. */
import type { Ring } from "./ring.ts";

/** A ring, with the labels that its owners are indexes of. */
export interface LabelledRing {
  readonly ring: Ring;
  readonly labels: readonly string[];
}

/** 0 to 1. Nodes are the same when their labels are. One walk along the points of both. */
export function movedShare(before: LabelledRing, after: LabelledRing): number {
  const indexOf = new Map(before.labels.map((label, i) => [label, i]));
  const same = after.labels.map((label) => indexOf.get(label) ?? -1);
  const [a, b] = [before.ring, after.ring];
  if (a === b) return 0;
  if (a.positions.length === 0 || b.positions.length === 0) return a.positions.length === b.positions.length ? 0 : 1;
  let moved = 0;
  let arcStart = -1;
  for (let i = 0, j = 0; i < a.positions.length || j < b.positions.length; ) {
    const end = Math.min(a.positions[i] ?? LAST, b.positions[j] ?? LAST);
    // Past the last point of a ring, its first one owns the names.
    if ((a.owners[i] ?? a.owners[0]) !== same[b.owners[j] ?? b.owners[0]]) moved += end - arcStart;
    arcStart = end;
    while (a.positions[i] === end) i++;
    while (b.positions[j] === end) j++;
  }
  if (a.owners[0] !== same[b.owners[0]]) moved += LAST - arcStart;
  return moved / 2 ** 32;
}

const LAST = 2 ** 32 - 1;
