/** Rejected lines as a log event: one when they begin, then one per minute with the counts, for as long as they come. */
import type { LogEvent } from "../log/logLimit.ts";
import { REJECT_REASONS } from "../protocol/line.ts";
import { type Counters, sum } from "../relay/counters.ts";
import type { RejectedExample } from "../relay/rejectedExample.ts";
import { Unlogged } from "./unlogged.ts";

export class Rejections {
  private readonly rejected: RejectedExample;
  private readonly unlogged = new Unlogged();
  /** What was logged last, by reason. */
  private logged: readonly number[] = REJECT_REASONS.map(() => 0);

  constructor(rejected: RejectedExample) {
    this.rejected = rejected;
  }

  /** Some of it will be due. */
  get hasMore(): boolean {
    return this.unlogged.hasMore;
  }

  /**
   * The event that is due.
   * @param isLast whether there will be no more
   */
  update({ linesRejected }: Pick<Counters, "linesRejected">, nowMs: number, isLast = false): LogEvent | undefined {
    const total = sum(linesRejected);
    const growth = this.unlogged.update(total, nowMs, isLast);
    if (growth === undefined) return undefined;
    const reasons = REJECT_REASONS.map((reason, i) => [reason, linesRejected[i] - this.logged[i]] as const);
    this.logged = [...linesRejected];
    const { example, from } = this.rejected.take() ?? {};
    const fields = {
      ...{
        lines: growth.amount,
        total,
        ...growth.span,
        ...Object.fromEntries(reasons.filter(([, count]) => count > 0)),
      },
      ...(example !== undefined && { example }),
      ...(from !== undefined && { from }),
    };
    return { level: "warn", event: "rejecting_lines", fields };
  }
}
