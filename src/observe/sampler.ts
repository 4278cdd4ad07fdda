/** The history's clock: one timer, once a second. It also tells how late the event loop is. */
import { type History, SAMPLE_INTERVAL_MS, type Totals } from "./history.ts";

export class Sampler {
  private readonly history: History;
  private readonly totals: () => Totals;
  private timer: ReturnType<typeof setTimeout>;
  private dueMs = performance.now();

  constructor(history: History, totals: () => Totals) {
    this.history = history;
    this.totals = totals;
    this.timer = setTimeout(() => this.sample(), 0);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private sample(): void {
    const nowMs = performance.now();
    this.history.record(Date.now(), nowMs, Math.max(0, nowMs - this.dueMs), this.totals());
    this.dueMs = nowMs + SAMPLE_INTERVAL_MS;
    this.timer = setTimeout(() => this.sample(), SAMPLE_INTERVAL_MS);
  }
}
