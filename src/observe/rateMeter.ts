/** A counter's current rate of growth, from samples taken once a second. */

/** Long enough to be steady, short enough to be current. */
const SAMPLES = 10;

export class RateMeter {
  /** The last few samples, oldest first. */
  private readonly samples: { readonly atMs: number; readonly count: number }[] = [];

  /** @param atMs on a monotonic clock */
  record(atMs: number, count: number): void {
    this.samples.push({ atMs, count });
    if (this.samples.length > SAMPLES + 1) this.samples.shift();
  }

  /** Forgets all samples. */
  clear(): void {
    this.samples.length = 0;
  }

  /** Growth per second, with three decimal places; undefined before the second sample. */
  get perSecond(): number | undefined {
    const first = this.samples.at(0);
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
    return Math.round((1e6 * (last.count - first.count)) / (last.atMs - first.atMs)) / 1000;
  }
}
