/** The timer of the history: fires once a second, and measures how late the event loop is. */
import type { Clock, Timer } from "../system/clock.ts";
import { type History, SAMPLE_INTERVAL_MS, type Totals } from "./history.ts";

export class Sampler {
  private readonly history: History;
  private readonly clock: Clock;
  private readonly totals: (nowMs: number) => Totals;
  private timer: Timer;

  /** @param totals called for each sample, with its time */
  constructor(history: History, clock: Clock, totals: (nowMs: number) => Totals) {
    this.history = history;
    this.clock = clock;
    this.totals = totals;
    const dueMs = clock.nowMs();
    this.timer = clock.setTimeout(() => this.sample(dueMs), 0);
  }

  close(): void {
    this.clock.cancel(this.timer);
  }

  private sample(dueMs: number): void {
    const nowMs = this.clock.nowMs();
    this.history.record(this.clock.epochMs(), nowMs, Math.max(0, nowMs - dueMs), this.totals(nowMs));
    this.timer = this.clock.setSharedTimeout((nextMs) => this.sample(nextMs), SAMPLE_INTERVAL_MS);
  }
}
