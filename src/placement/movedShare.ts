/** How much of the circle changes hands between two rings: the part of the names that move, and where to. */

import { shareChangeText } from "../text/quantities.ts";
import type { Ring } from "./ring.ts";

/** A ring, with the labels that its owners are indexes of. */
export interface LabelledRing {
  readonly ring: Ring;
  readonly labels: readonly string[];
}

/** What a change of the ring does to the names. */
export interface MovedNames {
  /** Share of the names that have another owner, 0 to 1. */
  readonly share: number;
  /** By how much the shares of nodes have changed, the largest change first. */
  readonly changes: readonly { readonly node: string; readonly share: number }[];
}

/** Whether there are nodes that names can move from, and to. */
export function canMove(before: Ring, after: Ring): boolean {
  return before.positions.length > 0 && after.positions.length > 0;
}

/** 0 to 1. Nodes are the same when their labels are. */
export function movedShare(before: LabelledRing, after: LabelledRing): number {
  const owners = ownersOf(before, after);
  let moved = 0;
  walk(before.ring, after.ring, (from, to, size) => {
    if (owners.before[from] !== owners.after[to]) moved += size;
  });
  return moved / CIRCLE;
}

export function movedNames(before: LabelledRing, after: LabelledRing): MovedNames {
  const owners = ownersOf(before, after);
  const changed = new Float64Array(owners.labels.length);
  let moved = 0;
  walk(before.ring, after.ring, (from, to, size) => {
    const [old, next] = [owners.before[from], owners.after[to]];
    if (old === next) return;
    moved += size;
    if (old !== undefined) changed[old] -= size;
    if (next !== undefined) changed[next] += size;
  });
  const changes = owners.labels.map((node, i) => ({ node, share: changed[i] / CIRCLE }));
  return {
    share: moved / CIRCLE,
    changes: changes.filter(({ share }) => share !== 0).toSorted((a, b) => Math.abs(b.share) - Math.abs(a.share)),
  };
}

/** `127.0.0.1:8130 +8.1%, 127.0.0.1:8131 +8.9%` */
export function movedText({ changes }: MovedNames): string {
  return changes.map(({ node, share }) => `${node} ${shareChangeText(share)}`).join(", ");
}

/** One number for each label of either ring, and by the rings' own indexes. */
function ownersOf(before: LabelledRing, after: LabelledRing) {
  const labels = [...new Set([...before.labels, ...after.labels])];
  const numbers = new Map(labels.map((label, i) => [label, i]));
  const numbersOf = (of: readonly string[]) => of.map((label) => numbers.get(label) as number);
  return { labels, before: numbersOf(before.labels), after: numbersOf(after.labels) };
}

const CIRCLE = 2 ** 32;
const LAST = CIRCLE - 1;

/** One walk along the points of both. An empty ring has no owners: undefined. */
function walk(a: Ring, b: Ring, onArc: (from: number, to: number, size: number) => void): void {
  if (a === b) return;
  let arcStart = -1;
  for (let i = 0, j = 0; i < a.positions.length || j < b.positions.length; ) {
    const end = Math.min(a.positions[i] ?? LAST, b.positions[j] ?? LAST);
    // Past the last point of a ring, its first one owns the names.
    onArc(a.owners[i] ?? a.owners[0], b.owners[j] ?? b.owners[0], end - arcStart);
    arcStart = end;
    while (a.positions[i] === end) i++;
    while (b.positions[j] === end) j++;
  }
  onArc(a.owners[0], b.owners[0], LAST - arcStart);
}
