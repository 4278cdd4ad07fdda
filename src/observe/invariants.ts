/** The sums that must hold at any moment: every received line is in exactly one place. */
import type { Batch } from "../relay/batch.ts";
import { allDropped, type Counters, type NodeCounters, sum } from "../relay/counters.ts";

export interface Violation {
  /** Which sum is wrong: a counter, or for a node `NODE: lines_due`. */
  readonly sum: string;
  readonly expected: number;
  readonly found: number;
}

export interface Accounts {
  readonly counters: Counters;
  readonly nodes: readonly {
    readonly label: string;
    readonly counters: NodeCounters;
    readonly batch: Pick<Batch, "linesPending">;
  }[];
  /** Of retired nodes. */
  readonly retired: { readonly counters: NodeCounters; readonly linesPending: number };
}

export function violations({ counters, nodes, retired }: Accounts): Violation[] {
  const { linesReceived, linesAccepted, linesCopied, linesRejected } = counters;
  const lines = [
    ...nodes.map(({ label, counters, batch }) => ({ label, due: counters.linesDue, found: linesOf(counters, batch) })),
    { label: "retired", due: retired.counters.linesDue, found: linesOf(retired.counters, retired) },
  ];
  const sums = [
    { sum: "lines_received", expected: linesReceived, found: linesAccepted + sum(linesRejected) },
    {
      sum: "lines_accepted",
      expected: linesAccepted + linesCopied,
      found: sum(lines.map(({ found }) => found)) + allDropped(counters),
    },
    ...lines.map(({ label, due, found }) => ({ sum: `${label}: lines_due`, expected: due, found })),
  ];
  return sums.filter(({ expected, found }) => expected !== found);
}

function linesOf({ linesRelayed, linesDropped }: NodeCounters, { linesPending }: Pick<Batch, "linesPending">): number {
  return linesRelayed + sum(Object.values(linesDropped)) + linesPending;
}
