/** Clocks for tests. */
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";

/** The system's, which notes the milliseconds of each timer that it is asked for. */
export function watchedClock(): { readonly clock: Clock; readonly delays: number[] } {
  const delays: number[] = [];
  const noted =
    (set: Clock["setTimeout"]): Clock["setTimeout"] =>
    (run, ms) => {
      delays.push(ms);
      return set(run, ms);
    };
  const { setTimeout, setSharedTimeout, setInterval } = systemClock;
  const timers = {
    setTimeout: noted(setTimeout),
    setSharedTimeout: (run: (dueMs: number) => void, ms: number) => {
      delays.push(ms);
      return setSharedTimeout(run, ms);
    },
    setInterval: noted(setInterval),
  };
  return { clock: { ...systemClock, ...timers }, delays };
}

interface HandTimer {
  readonly run: () => void;
  readonly everyMs: number | undefined;
  atMs: number;
}

/** The wall clock's time when a manual clock starts. */
const EPOCH_MS = 1_700_000_000_000;

/** A clock that stands still until a test advances it, or something sleeps. */
export class ManualClock implements Clock {
  /** Every sleep so far. */
  readonly slept: number[] = [];
  private atMs = 0;
  private readonly timers = new Set<HandTimer>();
  private readonly immediates: (() => void)[] = [];

  nowMs = () => this.atMs;
  epochMs = () => EPOCH_MS + this.atMs;
  setTimeout = (run: () => void, ms: number) => this.timer(run, ms, undefined);
  setSharedTimeout = (run: (dueMs: number) => void, ms: number) => {
    const dueMs = this.atMs + ms;
    return this.setTimeout(() => run(dueMs), ms);
  };
  setInterval = (run: () => void, ms: number) => this.timer(run, ms, ms);
  setImmediate = (run: () => void) => void this.immediates.push(run);
  cancel = (timer: object | undefined) => void this.timers.delete(timer as HandTimer);
  sleep = (ms: number) => {
    this.slept.push(ms);
    this.atMs += ms;
  };

  /** Pending timers. */
  get timersLeft(): number {
    return this.timers.size;
  }

  /** Time passes, but no timer fires: as when the process is stopped. */
  pass(ms: number): void {
    this.atMs += ms;
  }

  /** Time passes, and every timer fires when it is due. */
  advance(ms: number): void {
    const untilMs = this.atMs + ms;
    this.comeToRest();
    for (let next = this.next(untilMs); next !== undefined; next = this.next(untilMs)) {
      this.atMs = Math.max(this.atMs, next.atMs);
      if (next.everyMs === undefined) this.timers.delete(next);
      else next.atMs = this.atMs + next.everyMs;
      next.run();
      this.comeToRest();
    }
    this.atMs = Math.max(this.atMs, untilMs);
  }

  /** The same, and promises settle before each timer that fires. */
  async elapse(ms: number): Promise<void> {
    const untilMs = this.atMs + ms;
    await this.settle(1);
    for (let next = this.next(untilMs); next !== undefined; next = this.next(untilMs)) {
      this.advance(Math.max(0, next.atMs - this.atMs));
      await this.settle(1);
    }
    this.atMs = Math.max(this.atMs, untilMs);
  }

  /** One turn of the event loop. */
  comeRound(): void {
    for (const run of this.immediates.splice(0)) run();
  }

  /** Lets promises settle, for this many turns of the event loop. */
  async settle(times = 10): Promise<void> {
    for (let i = 0; i < times; i++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.comeRound();
    }
  }

  /** Comes round until a promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    while (!isSettled) await this.settle(1);
    return await promise;
  }

  private comeToRest(): void {
    while (this.immediates.length > 0) this.comeRound();
  }

  private timer(run: () => void, ms: number, everyMs: number | undefined): HandTimer {
    const timer = { run, everyMs, atMs: this.atMs + ms };
    this.timers.add(timer);
    return timer;
  }

  private next(untilMs: number): HandTimer | undefined {
    const due = [...this.timers].filter(({ atMs }) => atMs <= untilMs);
    return due.sort((one, other) => one.atMs - other.atMs)[0];
  }
}
