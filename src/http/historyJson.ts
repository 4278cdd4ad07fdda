/** A part of the history, as JSON for the page. Times are milliseconds. */
import type { HistorySlice } from "../observe/history.ts";

export interface HistoryJson {
  /** Of the first sample, and of the one that comes next. */
  readonly first: number;
  readonly next: number;
  readonly times_ms: readonly number[];
  /** For each a second. */
  readonly rates: HistorySlice["rates"];
}

export function historyJson({ first, next, timesMs, rates }: HistorySlice): HistoryJson {
  return { first, next, times_ms: timesMs, rates };
}
