/** The sums that must hold at any moment, whatever happens: every line that was received is in exactly one place. */
import type { Batch } from "../relay/batch.ts";
import { allDropped, type Counters, type NodeCounters, sum } from "../relay/counters.ts";

export interface Violation {
  /** What does not add up: a counter, or for a node `NODE: lines_accepted`. */
  readonly sum: string;
  readonly expected: number;
  readonly found: number;
}

export interface Accounts {
  readonly counters: Counters;
  readonly nodes: readonly { readonly label: string; readonly counters: NodeCounters; readonly batch: Batch }[];
}

/** @param mirror whether every line is for every node */
export function violations({ counters, nodes }: Accounts, mirror: boolean): Violation[] {
  const { linesReceived, linesAccepted, linesRejected } = counters;
  const found = nodes.map(({ label, counters, batch }) => {
    const lines = counters.linesRelayed + allDropped(counters) + batch.linesPending;
    return { label, lines };
  });
  const sums = [
    { sum: "lines_received", expected: linesReceived, found: linesAccepted + sum(linesRejected) },
    ...(mirror
      ? found.map(({ label, lines }) => ({
          sum: `${label}: lines_accepted`,
          expected: linesAccepted,
          found: lines + counters.linesDropped.internal_error / nodes.length,
        }))
      : [
          {
            sum: "lines_accepted",
            expected: linesAccepted,
            found: sum(found.map(({ lines }) => lines)) + allDropped(counters),
          },
        ]),
  ];
  return sums.filter(({ expected, found }) => expected !== found);
}
