/**
 * Errors of a node's socket that are no refusals, as when no route leads to the node or the proxy's own address is gone:
 * when to open it anew, and what to say.
 *
 *     error     error  error          error          sent    sent
 *     | opened  | 1 s not over yet    | opened anew  |       | 5 s without an error: it is over
 *     | said    |                     | 1 min: said  |       | said
 *
 * What is sent proves nothing by itself: that a host does not answer shows in an error three seconds later.
 *
 * Pure: the clock is the caller's, errnos are words as `ENETUNREACH`.
 */

/** A socket that was opened anew and fails as well is kept for so long. */
export const REOPEN_MS = 1000;
/** An errno is said once, and again when it still comes after so long. */
export const SAID_AGAIN_MS = 60_000;
/** When things are sent for so long without an error it is over. A host that does not answer shows in one every three seconds. */
export const OVER_MS = 5000;

export class LinkTrouble {
  private reopenedAtMs = Number.NEGATIVE_INFINITY;
  /** When something was sent first since the last error. */
  private sentSinceMs = Number.POSITIVE_INFINITY;
  /** By errno: when it was said last. */
  private readonly saidAtMs = new Map<string, number>();

  /** There were errors, and it is not known yet that they are over. */
  get isOn(): boolean {
    return this.saidAtMs.size > 0;
  }

  /** Takes an error. Returns whether to say so. */
  error(errno: string, nowMs: number): boolean {
    this.sentSinceMs = Number.POSITIVE_INFINITY;
    const saidAtMs = this.saidAtMs.get(errno);
    if (saidAtMs !== undefined && nowMs < saidAtMs + SAID_AGAIN_MS) return false;
    this.saidAtMs.set(errno, nowMs);
    return true;
  }

  /** Whether to open the socket anew after an error. If so it is taken to be done. */
  reopens(nowMs: number): boolean {
    if (nowMs < this.reopenedAtMs + REOPEN_MS) return false;
    this.reopenedAtMs = nowMs;
    return true;
  }

  /** Takes it that something was sent. Returns whether the trouble is over with it, once. */
  sent(nowMs: number): boolean {
    this.sentSinceMs = Math.min(this.sentSinceMs, nowMs);
    if (!this.isOn || nowMs < this.sentSinceMs + OVER_MS) return false;
    this.saidAtMs.clear();
    return true;
  }
}
