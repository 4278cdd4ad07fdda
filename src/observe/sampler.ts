/** The timer of the history: fires once a second, and measures how late the event loop is. */
import type { Clock, Timer } from "../system/clock.ts";
import { type History, SAMPLE_INTERVAL_MS, type Totals } from "./history.ts";

export class Sampler {
  private readonly history: History;
  private readonly clock: Clock;
  private readonly totals: (nowMs: number) => Totals;
  private timer: Timer;
  private dueMs: number;

  /** @param totals called for each sample, with its time */
  constructor(history: History, clock: Clock, totals: (nowMs: number) => Totals) {
    this.history = history;
    this.clock = clock;
    this.totals = totals;
    this.dueMs = clock.nowMs();
    this.timer = clock.setTimeout(() => this.sample(), 0);
  }

  close(): void {
    this.clock.cancel(this.timer);
  }

  private sample(): void {
    const nowMs = this.clock.nowMs();
    this.history.record(this.clock.epochMs(), nowMs, Math.max(0, nowMs - this.dueMs), this.totals(nowMs));
    this.dueMs = nowMs + SAMPLE_INTERVAL_MS;
    this.timer = this.clock.setSharedTimeout(() => this.sample(), SAMPLE_INTERVAL_MS);
  }
}
