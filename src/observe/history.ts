/** Rates of the last quarter of an hour: a sample a second, the oldest overwritten. */

export const SAMPLE_INTERVAL_MS = 1000;
/** Samples that are remembered: a quarter of an hour. */
export const SAMPLES_MAX = 900;
/** The event loop's lag is remembered for a minute: as long as there usually is between two scrapes, or longer. */
const LAG_SAMPLES = 60;

const SERIES = ["received", "relayed", "rejected", "dropped", "kernel_drops"] as const;
type Series = (typeof SERIES)[number];

/** Counters at one moment, all since the start. */
export type Totals = Readonly<Record<Series, number>>;

/** A part of the history, oldest first. */
export interface HistorySlice {
  /** The number of the first sample. */
  readonly first: number;
  /** What to ask for next: the number of the sample that comes after the last of these. */
  readonly next: number;
  /** When each was taken. */
  readonly timesMs: number[];
  /** For each a second. */
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
   * Takes a sample. Of the first only the totals matter: there is no rate yet.
   * @param nowMs the wall clock's time
   * @param elapsedMs a clock's that never jumps
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

/** To three digits behind the point: nobody reads more of them, and they would be most of the bytes. */
function rounded(rate: number): number {
  return Math.round(rate * 1000) / 1000;
}
