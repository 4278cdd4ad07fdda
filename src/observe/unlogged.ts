/** What a counter has grown by since that was logged: told when it begins, then once a minute while it goes on. */
import type { LogFields } from "../log/logfmt.ts";

export const LOG_AGAIN_MS = 60_000;
/** Counters are looked at once a second. */
export const LOOK_MS = 1000;

export interface Growth {
  readonly amount: number;
  /** Of a sum, the time from its first to its last; and how long ago that was, if it is over. */
  readonly span: LogFields;
}

export class Unlogged {
  /** Its value at the last look. */
  private seen = 0;
  private logged = 0;
  private loggedAtMs = Number.NEGATIVE_INFINITY;
  /** When it began to grow since it was logged, and when it grew last. */
  private sinceMs = 0;
  private lastMs = 0;

  /** Some of it will be due. */
  get hasMore(): boolean {
    return this.seen > this.logged;
  }

  /** Undefined: nothing is due. @param isLast whether this is the last chance to tell it */
  update(value: number, nowMs: number, isLast = false): Growth | undefined {
    if (value > this.seen) {
      if (this.seen === this.logged) this.sinceMs = nowMs;
      this.lastMs = nowMs;
      this.seen = value;
    }
    const amount = this.seen - this.logged;
    if (amount === 0 || (!isLast && nowMs < this.loggedAtMs + LOG_AGAIN_MS)) return undefined;
    this.logged = this.seen;
    this.loggedAtMs = nowMs;
    return { amount, span: this.spanAt(nowMs) };
  }

  /** Nothing, if it has begun just now. */
  private spanAt(nowMs: number): LogFields {
    if (this.sinceMs === nowMs) return {};
    const seconds = wholeSeconds(this.lastMs - this.sinceMs + LOOK_MS);
    const quietMs = nowMs - this.lastMs;
    return { seconds, ...(quietMs > LOOK_MS && { quiet_for: wholeSeconds(quietMs) }) };
  }
}

function wholeSeconds(ms: number): number {
  return Math.round(ms / 1000);
}
