/**
 * When a node is checked next. There is one time for each node, and what happens between two checks only ever brings it
 * nearer. Something that happens all the time, as a refused metric does on a busy proxy, cannot push it away.
 *
 *     an interval after the last began    nothing happened
 *     100 ms after the last began         the node may be dead: it refused a metric or a check
 *     now                                 it ended a connection that it used to keep
 */

/** A check that a refusal asked for comes no sooner than this after the one before began. */
export const RECHECK_MS_MIN = 100;

/**
 * What came of a check. `sign` is what a failure is taken for:
 *
 * - `silence`: it did not answer, or not as it should; the next check has time
 * - `refusal`: somebody answered that nobody is there
 * - `end`: a connection that it had kept has ended
 */
export type CheckResult =
  | { readonly outcome: "passed" }
  | { readonly outcome: "failed"; readonly reason: string; readonly sign: "silence" | "refusal" | "end" }
  /** It could not be made for want of something of ours, which says nothing of the node. */
  | { readonly outcome: "skipped"; readonly reason: string };

export class CheckPlan {
  dueAtMs: number;
  private readonly intervalMs: number;
  private beganAtMs = Number.NEGATIVE_INFINITY;
  private passed = false;
  /** Whether the node ends its connections after an answer, and so says nothing by ending one. */
  private closes: "unknown" | "asking" | "yes" = "unknown";

  constructor(intervalMs: number, firstAtMs: number) {
    this.intervalMs = intervalMs;
    this.dueAtMs = firstAtMs;
  }

  /** A check begins. */
  begin(nowMs: number): void {
    this.beganAtMs = nowMs;
    this.dueAtMs = nowMs + this.intervalMs;
  }

  /** Something gives reason to check soon. */
  checkSoon(nowMs: number): void {
    this.bring(Math.max(nowMs, this.beganAtMs + RECHECK_MS_MIN));
  }

  /** A check has ended so. `isUp`: what it made of the node; one that is out is not looked at more often for it. */
  end(result: CheckResult, isUp: boolean, nowMs: number): void {
    this.passed = result.outcome === "passed";
    if (this.closes === "asking") this.closes = this.passed ? "yes" : "unknown";
    if (result.outcome !== "failed" || !isUp) return;
    if (result.sign === "refusal") this.checkSoon(nowMs);
    if (result.sign === "end") this.bring(nowMs);
  }

  /**
   * The node ended a connection on which it was asked nothing, after so many answers. True: that is a failed check, to
   * be told by `end`. After the first answer it is none: many close after each. Whether this node does is found out by
   * one more check, and once.
   */
  connectionEnded(answers: number, nowMs: number): boolean {
    if (answers > 1) {
      this.closes = "unknown";
      return true;
    }
    if (this.closes === "unknown" && this.passed) {
      this.closes = "asking";
      this.bring(nowMs);
    }
    return false;
  }

  private bring(atMs: number): void {
    this.dueAtMs = Math.min(this.dueAtMs, atMs);
  }
}
