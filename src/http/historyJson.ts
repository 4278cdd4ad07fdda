/** Part of the history, as JSON for the page. Times are in milliseconds. */
import type { HistorySlice } from "../observe/history.ts";

export interface HistoryJson {
  /** Number of the first sample, and of the next one to come. */
  readonly first: number;
  readonly next: number;
  readonly times_ms: readonly number[];
  /** Per second, one for each sample. */
  readonly rates: HistorySlice["rates"];
}

export function historyJson({ first, next, timesMs, rates }: HistorySlice): HistoryJson {
  return { first, next, times_ms: timesMs, rates };
}
