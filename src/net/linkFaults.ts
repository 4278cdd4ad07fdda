/**
 * Errors of a node's socket other than refusals, such as no route to the node, or a local address that is gone: when to
 * reopen the socket, and what to log.
 *
 *     error       error    error                   sent    sent
 *     | reopened  | < 1 s  | 1 s on: reopened      |       | 5 s without an error: recovered
 *     | logged    |        | 1 min on: logged      |       | logged
 *
 * A successful send proves nothing by itself: an unreachable host shows up as an error three seconds later.
 *
 * Pure: the caller supplies the time; errnos are words such as `ENETUNREACH`.
 */

/** A socket is reopened at most this often. */
export const REOPEN_INTERVAL_MS = 1000;
/** An errno is logged once, and again if it still occurs after this time. */
export const LOG_AGAIN_MS = 60_000;
/**
 * Sending for this long without an error counts as recovery. An unreachable host causes an error every three seconds.
 */
export const RECOVERY_MS = 5000;

export class LinkFaults {
  private reopenedAtMs = Number.NEGATIVE_INFINITY;
  /** Time of the first send since the last error. */
  private sentSinceMs = Number.POSITIVE_INFINITY;
  /** By errno: when it was last logged. */
  private readonly loggedAtMs = new Map<string, number>();

  /** There were errors, and no recovery since. */
  get isFailing(): boolean {
    return this.loggedAtMs.size > 0;
  }

  /** Records an error. Returns whether to log it. */
  record(errno: string, nowMs: number): boolean {
    this.sentSinceMs = Number.POSITIVE_INFINITY;
    const loggedAtMs = this.loggedAtMs.get(errno);
    if (loggedAtMs !== undefined && nowMs < loggedAtMs + LOG_AGAIN_MS) return false;
    this.loggedAtMs.set(errno, nowMs);
    return true;
  }

  /** Whether to reopen the socket after an error. If so, the caller must do it. */
  startReopen(nowMs: number): boolean {
    if (nowMs < this.reopenedAtMs + REOPEN_INTERVAL_MS) return false;
    this.reopenedAtMs = nowMs;
    return true;
  }

  /** Records a successful send. Returns true once, when it completes a recovery. */
  recordSend(nowMs: number): boolean {
    this.sentSinceMs = Math.min(this.sentSinceMs, nowMs);
    if (!this.isFailing || nowMs < this.sentSinceMs + RECOVERY_MS) return false;
    this.loggedAtMs.clear();
    return true;
  }
}
