/** What HTTP tells the page besides observe/statusJson.ts. Times and durations are milliseconds, shares go from 0 to 1. */
import type { HistorySlice } from "../observe/history.ts";
import type { Whereabouts } from "../placement/destination.ts";

export interface HistoryJson {
  /** Of the first sample, and of the one that comes next. */
  readonly first: number;
  readonly next: number;
  readonly times_ms: readonly number[];
  /** For each a second. */
  readonly rates: HistorySlice["rates"];
}

export interface RingJson {
  /** Indexes of `nodes`: the owner of each of as many equal parts of the circle; -1: none. Null: mirroring. */
  readonly parts: readonly number[] | null;
  /** Each node's share of the names while all are up. */
  readonly full_shares: readonly number[] | null;
}

/** Where a name goes. */
export type OwnerJson =
  /** It is no metric, and goes nowhere. */
  | { readonly kind: "rejected"; readonly reason: string }
  | {
      readonly kind: "routed";
      readonly name: string;
      /** Where on the circle it lies, 0 to 1; null: mirroring. */
      readonly position: number | null;
      /** Indexes of `nodes`, or what placement/owner.ts has instead: who gets its lines now, and while all nodes are up. */
      readonly now: number;
      readonly all_up: number;
    };

export function ownerJson(asked: Buffer, found: Whereabouts): OwnerJson {
  if (found.kind === "rejected") return found;
  const { kind, nameStart, nameEnd, position, now, allUp } = found;
  return { kind, name: asked.toString("utf8", nameStart, nameEnd), position, now, all_up: allUp };
}

export function historyJson({ first, next, timesMs, rates }: HistorySlice): HistoryJson {
  return { first, next, times_ms: timesMs, rates };
}
