/**
 * How long a datagram has waited, from when the kernel received it. The kernel tells that by the wall clock, which may
 * be set; the rest of the proxy goes by a monotonic clock.
 */

/** The two clocks differ by a fixed amount, up to how long this process may be interrupted between reading them. */
const STEP_MS = 100;
/** What was received before the wall clock was set may still come. */
const SETTLE_MS = 1000;
/** A longer wait counts as this one. */
export const AGE_MS_MAX = 60_000;

export class ReceiveAge {
  private offsetMs = Number.NaN;
  private settledAtMs = Number.NEGATIVE_INFINITY;

  /**
   * Never negative; NaN: the wall clock has just been set.
   * @param receivedMs by the wall clock
   * @param wallMs the wall clock now
   * @param nowMs the monotonic clock now
   */
  ageMs(receivedMs: number, wallMs: number, nowMs: number): number {
    const offsetMs = wallMs - nowMs;
    if (Math.abs(offsetMs - this.offsetMs) > STEP_MS) this.settledAtMs = nowMs + SETTLE_MS;
    this.offsetMs = offsetMs;
    if (nowMs < this.settledAtMs) return Number.NaN;
    return Math.min(Math.max(wallMs - receivedMs, 0), AGE_MS_MAX);
  }
}
