/**
 * Delays of the last minute, for quantiles, and since the start, for Prometheus. Its memory is fixed, and adding to it
 * allocates nothing.
 *
 *     finest 1 us ... 60 s, eight buckets for each doubling        one row for 5 s, twelve rows: the oldest is cleared
 */

/** The window of the quantiles. */
export const DELAY_WINDOW_MS = 60_000;
const ROWS = 12;
const ROW_MS = DELAY_WINDOW_MS / ROWS;
const PER_DOUBLING = 8;
const LEAST_MS = 0.001;
/** Up to 67 s. */
const DOUBLINGS = 26;
const COLUMNS = DOUBLINGS * PER_DOUBLING + 1;

/** Upper bounds of Prometheus' buckets, in seconds. A longer delay is in none but the last, `+Inf`. */
export const DELAY_BOUNDS = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025],
  ...[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
] as const;

export interface DelayView {
  /** Half of the delays of the last minute were no longer; undefined: there were none. Within a tenth. */
  readonly p50Seconds: number | undefined;
  readonly p99Seconds: number | undefined;
  /** Since the start. */
  readonly count: number;
  readonly sumSeconds: number;
  /** How many were no longer than each of `DELAY_BOUNDS`. */
  readonly counts: readonly number[];
}

export class DelayHistogram {
  private readonly rows = new Uint32Array(ROWS * COLUMNS);
  /** The sum of the rows: they are read once a second, and adding them up each time would cost more than all else. */
  private readonly recent = new Float64Array(COLUMNS);
  private recentCount = 0;
  private readonly buckets = new Float64Array(DELAY_BOUNDS.length + 1);
  private count = 0;
  private sumMs = 0;
  /** Number of the current row, counted on. */
  private row = 0;

  /** @param nowMs on a monotonic clock @param datagrams that took so long */
  record(ms: number, nowMs: number, datagrams: number): void {
    this.turnTo(nowMs);
    const column = columnOf(ms);
    this.rows[(this.row % ROWS) * COLUMNS + column] += datagrams;
    this.recent[column] += datagrams;
    this.recentCount += datagrams;
    this.count += datagrams;
    this.sumMs += ms * datagrams;
    let bucket = 0;
    while (bucket < DELAY_BOUNDS.length && ms > 1000 * DELAY_BOUNDS[bucket]) bucket++;
    this.buckets[bucket] += datagrams;
  }

  view(nowMs: number): DelayView {
    this.turnTo(nowMs);
    const { recent, recentCount } = this;
    let upTo = 0;
    return {
      p50Seconds: quantileSeconds(recent, recentCount, 0.5),
      p99Seconds: quantileSeconds(recent, recentCount, 0.99),
      count: this.count,
      sumSeconds: this.sumMs / 1000,
      counts: DELAY_BOUNDS.map((_, i) => {
        upTo += this.buckets[i];
        return upTo;
      }),
    };
  }

  /** Clears the rows of the time that has passed. */
  private turnTo(nowMs: number): void {
    const row = Math.floor(nowMs / ROW_MS);
    const passed = Math.min(ROWS, row - this.row);
    for (let i = 0; i < passed; i++) {
      const at = ((row - i) % ROWS) * COLUMNS;
      for (let column = 0; column < COLUMNS; column++) this.forget(at, column);
    }
    this.row = Math.max(this.row, row);
  }

  private forget(at: number, column: number): void {
    const datagrams = this.rows[at + column];
    this.rows[at + column] = 0;
    this.recent[column] -= datagrams;
    this.recentCount -= datagrams;
  }
}

function columnOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0;
  return Math.min(COLUMNS - 1, Math.ceil(PER_DOUBLING * Math.log2(ms / LEAST_MS)));
}

/** The upper bound of the column that it is in: never too little. */
function quantileSeconds(counts: Float64Array, all: number, part: number): number | undefined {
  if (all === 0) return undefined;
  let rest = Math.ceil(part * all);
  let column = 0;
  for (rest -= counts[0]; rest > 0; rest -= counts[column]) column++;
  const seconds = (LEAST_MS * 2 ** (column / PER_DOUBLING)) / 1000;
  return Number(seconds.toPrecision(3));
}
