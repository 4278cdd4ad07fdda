/** Time as the proxy sees it: the system's (clock.io.ts), or simulated. */

/** A handle for cancelling. */
export type Timer = object;

export interface Clock {
  /** Milliseconds on a monotonic clock. */
  nowMs(): number;
  /**
   * Milliseconds that this thread has had a processor; waiting for one does not count. Absent where the system does not
   * tell.
   */
  processorMs?: (() => number) | undefined;
  /** Milliseconds since 1970 on the wall clock, which may be set back. */
  epochMs(): number;
  /** Runs a function once, after `ms` or later. */
  setTimeout(run: () => void, ms: number): Timer;
  /**
   * The same, or up to a tenth earlier, together with others: for what is not worth a wake-up of its own. The function is
   * told when it was due.
   */
  setSharedTimeout(run: (dueMs: number) => void, ms: number): Timer;
  /** Runs a function every `ms`, or up to a tenth earlier, together with others. */
  setInterval(run: () => void, ms: number): Timer;
  /** Runs a function in the next round of the event loop: after this turn's I/O, before the next turn's. */
  setImmediate(run: () => void): void;
  /** Cancels a timer. Undefined and expired timers are fine. */
  cancel(timer: Timer | undefined): void;
  /** Blocks everything for this long. */
  sleep(ms: number): void;
}
