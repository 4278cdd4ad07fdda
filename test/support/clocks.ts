/** Clocks for tests. */
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock, Timer } from "../../src/system/clock.ts";

/** The system's, which notes the milliseconds of each timer that it is asked for. */
export function watchedClock(): { readonly clock: Clock; readonly delays: number[] } {
  const delays: number[] = [];
  const noted =
    (set: Clock["setTimeout"]): Clock["setTimeout"] =>
    (run, ms) => {
      delays.push(ms);
      return set(run, ms);
    };
  const { setTimeout, setInterval } = systemClock;
  return { clock: { ...systemClock, setTimeout: noted(setTimeout), setInterval: noted(setInterval) }, delays };
}

interface ManualTimer {
  readonly run: () => void;
  readonly atMs: number;
  readonly everyMs: number | undefined;
}

/** Stands still until a test moves it. */
export class ManualClock implements Clock {
  private ms = 0;
  /** In the order in which they were set. */
  private readonly timers = new Set<ManualTimer>();

  nowMs(): number {
    return this.ms;
  }

  epochMs(): number {
    return 1_700_000_000_000 + this.ms;
  }

  setTimeout(run: () => void, ms: number): Timer {
    return this.add(run, ms, undefined);
  }

  setInterval(run: () => void, ms: number): Timer {
    return this.add(run, ms, ms);
  }

  setImmediate(run: () => void): void {
    this.add(run, 0, undefined);
  }

  cancel(timer: Timer | undefined): void {
    this.timers.delete(timer as ManualTimer);
  }

  sleep(ms: number): void {
    this.ms += ms;
  }

  /** Timers that have not fired. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Lets time pass: timers fire when they are due, and promises are kept in between. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.ms + ms;
    await promises();
    for (let next = this.next(untilMs); next !== undefined; next = this.next(untilMs)) {
      this.ms = Math.max(this.ms, next.atMs);
      this.timers.delete(next);
      if (next.everyMs !== undefined) this.add(next.run, next.everyMs, next.everyMs);
      next.run();
      await promises();
    }
    this.ms = Math.max(this.ms, untilMs);
  }

  private add(run: () => void, ms: number, everyMs: number | undefined): Timer {
    const timer = { run, atMs: this.ms + ms, everyMs };
    this.timers.add(timer);
    return timer;
  }

  private next(untilMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.timers) if (timer.atMs <= untilMs && timer.atMs < (first?.atMs ?? Infinity)) first = timer;
    return first;
  }
}

/** Until nothing is left that promises have to do. */
export async function promises(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
