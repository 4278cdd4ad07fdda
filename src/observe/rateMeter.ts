/** How fast a counter grows now, of samples that are taken once a second. */

/** Long enough to be steady, and short enough to be now. */
const SAMPLES = 10;

export class RateMeter {
  /** The last few, oldest first. */
  private readonly samples: { readonly atMs: number; readonly count: number }[] = [];

  /** @param atMs on a clock that only goes forward */
  record(atMs: number, count: number): void {
    this.samples.push({ atMs, count });
    if (this.samples.length > SAMPLES + 1) this.samples.shift();
  }

  /** Growth a second, to three digits behind the point; undefined before the second sample. */
  get perSecond(): number | undefined {
    const first = this.samples.at(0);
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
    return Math.round((1e6 * (last.count - first.count)) / (last.atMs - first.atMs)) / 1000;
  }
}
