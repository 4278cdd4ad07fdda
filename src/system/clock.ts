/** Time as the proxy is given it: the system's (clock.io.ts), or a simulated one. */

/** What a clock was asked to run, to be cancelled. */
export type Timer = object;

export interface Clock {
  /** Milliseconds on a clock that only goes forward. */
  nowMs(): number;
  /** Milliseconds since 1970, on the wall clock, which may be set back. */
  epochMs(): number;
  /** Runs something once, `ms` from now at the earliest. */
  setTimeout(run: () => void, ms: number): Timer;
  /** Runs something every `ms`. */
  setInterval(run: () => void, ms: number): Timer;
  /** Runs something when the event loop comes round: after the I/O of this turn, before that of the next. */
  setImmediate(run: () => void): void;
  /** Runs it no more. Undefined, and a timer that is over, are fine. */
  cancel(timer: Timer | undefined): void;
  /** Holds up everything for so long. */
  sleep(ms: number): void;
}
