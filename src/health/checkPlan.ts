/**
 * When a node's next check is due. There is one due time per node, and events between two checks can only bring it
 * forward. Frequent events, such as refused metrics on a busy proxy, can never postpone it.
 *
 *     an interval after the last began    nothing happened
 *     100 ms after the last began         the node may be dead: it refused a metric or a check
 *     now                                 it closed a connection that it used to keep open
 */

/** Minimum time between the start of a check and a check caused by a refusal. */
export const RECHECK_MS_MIN = 100;

/**
 * The result of a check. `sign` is what a failure points to:
 *
 * - `silence`: no answer, or not the right one; the next check can wait
 * - `refusal`: the host answered that nothing listens there
 * - `end`: a connection that it had kept open has ended
 */
export type CheckResult =
  | { readonly outcome: "passed" }
  | { readonly outcome: "failed"; readonly reason: string; readonly sign: "silence" | "refusal" | "end" }
  /** It could not be made because the proxy lacked a resource of its own, which says nothing about the node. */
  | { readonly outcome: "skipped"; readonly reason: string };

export class CheckPlan {
  dueAtMs: number;
  private intervalMs: number;
  /** Whether a node that is up is checked only when there is a reason. */
  private readonly onlyInDoubt: boolean;
  private beganAtMs = Number.NEGATIVE_INFINITY;
  private passed = false;
  /** Whether the node closes its connections after each answer, so that a closed connection means nothing. */
  private closes: "unknown" | "asking" | "yes" = "unknown";

  /** @param firstAtMs infinite: when there is a reason */
  constructor(intervalMs: number, firstAtMs: number, onlyInDoubt = false) {
    this.intervalMs = intervalMs;
    this.dueAtMs = firstAtMs;
    this.onlyInDoubt = onlyInDoubt;
  }

  /** Checks are made at another interval from now on. @param nextAtMs when the next one is due at the latest */
  useInterval(intervalMs: number, nextAtMs: number): void {
    this.intervalMs = intervalMs;
    // Infinite: when there is a reason.
    if (this.dueAtMs !== Number.POSITIVE_INFINITY) this.bringForward(nextAtMs);
  }

  /** A check begins. */
  begin(nowMs: number): void {
    this.beganAtMs = nowMs;
    this.dueAtMs = nowMs + this.intervalMs;
  }

  /** Something suggests that the node should be checked soon. */
  checkSoon(nowMs: number): void {
    this.bringForward(Math.max(nowMs, this.beganAtMs + RECHECK_MS_MIN));
  }

  /**
   * A check has ended. `isUp`: the node's state after it; a node that is down is not checked more often for failing.
   */
  end(result: CheckResult, isUp: boolean, nowMs: number): void {
    this.passed = result.outcome === "passed";
    if (this.onlyInDoubt && this.passed && isUp) this.dueAtMs = Number.POSITIVE_INFINITY;
    if (this.closes === "asking") this.closes = this.passed ? "yes" : "unknown";
    if (result.outcome !== "failed" || !isUp) return;
    if (result.sign === "refusal") this.checkSoon(nowMs);
    if (result.sign === "end") this.bringForward(nowMs);
  }

  /**
   * The node closed an idle connection after this many answers. Returns whether that is a failed check, to be reported
   * by `end`. After the first answer it is not: many backends close after each. One more check, made once, finds out
   * whether this one does.
   */
  connectionEnded(answers: number, nowMs: number): boolean {
    if (answers > 1) {
      this.closes = "unknown";
      return true;
    }
    if (this.closes === "unknown" && this.passed) {
      this.closes = "asking";
      this.bringForward(nowMs);
    }
    return false;
  }

  private bringForward(atMs: number): void {
    this.dueAtMs = Math.min(this.dueAtMs, atMs);
  }
}
