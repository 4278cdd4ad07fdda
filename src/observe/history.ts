/** Rates of the last 15 minutes: one sample per second, the oldest overwritten. */

export const SAMPLE_INTERVAL_MS = 1000;
/** Samples to remember: 15 minutes. */
export const SAMPLES_MAX = 900;
/** The event loop's lag is remembered for a minute, which covers the usual interval between two scrapes. */
const LAG_SAMPLES = 60;

const SERIES = ["received", "relayed", "rejected", "dropped", "kernel_drops"] as const;
type Series = (typeof SERIES)[number];

/** Counters at one moment, since the start. */
export type Totals = Readonly<Record<Series, number>>;

/** Part of the history, oldest first. */
export interface HistorySlice {
  /** Number of the first sample. */
  readonly first: number;
  /** Number of the sample after the last: what to ask for next. */
  readonly next: number;
  /** When each sample was taken. */
  readonly timesMs: number[];
  /** Per second, one for each sample. */
  readonly rates: Readonly<Record<Series, number[]>>;
}

export class History {
  /** Samples so far. */
  private count = 0;
  private readonly timesMs = new Float64Array(SAMPLES_MAX);
  private readonly rates = SERIES.map(() => new Float64Array(SAMPLES_MAX));
  private readonly lags = new Float64Array(LAG_SAMPLES);
  private lagLastMs = 0;
  private before: Totals | undefined;
  private beforeMs = 0;

  /**
   * Takes a sample. From the first one, only the totals count: there is no rate yet.
   * @param nowMs wall-clock time
   * @param elapsedMs time on a monotonic clock
   * @param lagMs how late the sample is
   */
  record(nowMs: number, elapsedMs: number, lagMs: number, totals: Totals): void {
    const { before } = this;
    const seconds = (elapsedMs - this.beforeMs) / 1000;
    if (before !== undefined && seconds > 0) {
      const slot = this.count % SAMPLES_MAX;
      this.timesMs[slot] = nowMs;
      SERIES.forEach((series, i) => {
        this.rates[i][slot] = (totals[series] - before[series]) / seconds;
      });
      this.lagLastMs = lagMs;
      this.lags[this.count % LAG_SAMPLES] = lagMs;
      this.count++;
    }
    this.before = totals;
    this.beforeMs = elapsedMs;
  }

  /** Samples from number `from` on, as far as they are remembered. */
  since(from: number): HistorySlice {
    const first = Math.min(this.count, Math.max(0, this.count - SAMPLES_MAX, from));
    const numbers = Array.from({ length: this.count - first }, (_, i) => (first + i) % SAMPLES_MAX);
    const rates = Object.fromEntries(
      SERIES.map((series, i) => [series, numbers.map((slot) => rounded(this.rates[i][slot]))]),
    ) as Record<Series, number[]>;
    return { first, next: this.count, timesMs: numbers.map((slot) => this.timesMs[slot]), rates };
  }

  /** How late the samples were. */
  get lag(): { readonly lastSeconds: number; readonly maxSeconds: number } {
    return { lastSeconds: this.lagLastMs / 1000, maxSeconds: Math.max(...this.lags) / 1000 };
  }
}

/** Three decimal places: nobody reads more, and they would be most of the bytes. */
function rounded(rate: number): number {
  return Math.round(rate * 1000) / 1000;
}
