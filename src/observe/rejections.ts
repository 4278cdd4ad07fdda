/** Rejected lines as a log event: one when they begin, then one per minute with the counts, for as long as they come. */
import type { LogEvent } from "../log/logLimit.ts";
import { REJECT_REASONS } from "../protocol/line.ts";
import { type Counters, sum } from "../relay/counters.ts";
import type { RejectedExample } from "../relay/rejectedExample.ts";
import { LOG_AGAIN_MS } from "./losses.ts";

export class Rejections {
  private readonly rejected: RejectedExample;
  /** What was logged last, by reason, and when. */
  private logged: readonly number[] = REJECT_REASONS.map(() => 0);
  private loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(rejected: RejectedExample) {
    this.rejected = rejected;
  }

  /** The event that is due. */
  update({ linesRejected }: Pick<Counters, "linesRejected">, nowMs: number): LogEvent | undefined {
    const total = sum(linesRejected);
    const lines = total - sum(this.logged);
    if (lines === 0 || nowMs < this.loggedAtMs + LOG_AGAIN_MS) return undefined;
    const reasons = REJECT_REASONS.map((reason, i) => [reason, linesRejected[i] - this.logged[i]] as const);
    this.logged = [...linesRejected];
    this.loggedAtMs = nowMs;
    const { example, from } = this.rejected.take() ?? {};
    const fields = {
      ...{ lines, total, ...Object.fromEntries(reasons.filter(([, count]) => count > 0)) },
      ...(example !== undefined && { example }),
      ...(from !== undefined && { from }),
    };
    return { level: "warn", event: "rejecting_lines", fields };
  }
}
