/**
 * Whether what is sent comes back, found out by a randomised trial: in half of its slots, drawn by lot, lines are held
 * back. If every slot with holding had fewer arrivals than every slot without, it is the sending that causes the
 * arrivals. Whatever else makes arrivals rise and fall knows nothing of the lot: with 16 slots it looks like that once
 * in 12,870 trials (Fisher's exact test; The Design of Experiments, 1935).
 */

const SLOTS = 16;

export class LoopTrial {
  private readonly plan: readonly boolean[];
  private readonly rates: number[] = [];

  /** @param random an unpredictable number from 0 up to 1 */
  constructor(random: () => number) {
    const plan = Array.from({ length: SLOTS }, (_, i) => i % 2 === 0);
    for (let i = SLOTS - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [plan[i], plan[j]] = [plan[j], plan[i]];
    }
    this.plan = plan;
  }

  /** Whether lines are to be held back in the slot that has begun; undefined: there is none left. */
  get isHolding(): boolean | undefined {
    return this.plan[this.rates.length];
  }

  /** Ends a slot. @param rate of the arrivals in it */
  record(rate: number): void {
    this.rates.push(rate);
  }

  /** Known when no slot is left. */
  get comesBack(): boolean {
    const of = (isHolding: boolean) => this.rates.filter((_, i) => this.plan[i] === isHolding);
    return Math.max(...of(true)) < Math.min(...of(false));
  }
}
