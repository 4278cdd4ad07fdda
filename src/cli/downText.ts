/** What becomes of the names while the nodes of `--down` are down. */
import { movedShare } from "../placement/movedShare.ts";
import type { Placement } from "../placement/placement.ts";
import { shares } from "../placement/ring.ts";
import { shareChangeText, shareText } from "../text/quantities.ts";
import { tableText } from "../text/table.ts";

/** Nodes named that are shown. */
const NAMED_MAX = 5;

export interface PlannedDown {
  /** Labels of nodes that are there. */
  readonly down: readonly string[];
  readonly labels: readonly string[];
  /** Undefined: mirroring. */
  readonly placement: Placement | undefined;
  /** Whether a node that is down keeps its names. */
  readonly holds: boolean;
}

/** Lines for people: the part of the names that move, and each node's share before and while they are down. */
export function downLines({ down, labels, placement, holds }: PlannedDown): string[] {
  if (down.length === 0) return [];
  const isUp = labels.map((label) => !down.includes(label));
  const left = isUp.filter(Boolean).length;
  const when = `with ${listText(down)} down`;
  if (left === 0) return [`${when}: no node is left, and every line is dropped`];
  if (placement === undefined) {
    return [`${when}: every metric still goes to ${left === 1 ? "the other node" : `the other ${left} nodes`}`];
  }
  const { full } = placement;
  const live = placement.live(isUp);
  const moved = shareText(movedShare({ ring: full, labels }, { ring: live, labels }));
  const before = shares(full, labels.length);
  const after = shares(live, labels.length);
  const rows = labels.map((label, i) => {
    const then = isUp[i] ? shareText(after[i]) : "-";
    const change = after[i] - before[i];
    const changed = isUp[i] && change !== 0 ? shareChangeText(change) : "";
    return [label, shareText(before[i]), then, changed];
  });
  return [
    holds
      ? `${when}: ${moved} of the names are held, and their lines dropped; drained, their names move:`
      : `${when}: ${moved} of the names move:`,
    tableText([["", "now", "then", ""], ...rows], [1, 2, 3])
      .replace(/^/gm, "  ")
      .trimEnd(),
  ];
}

function listText(labels: readonly string[]): string {
  const more = labels.length - NAMED_MAX;
  const shown = labels.slice(0, NAMED_MAX);
  const last = more > 0 ? `${more} more` : shown.pop();
  return shown.length === 0 ? `${last}` : `${shown.join(", ")} and ${last}`;
}
