/**
 * The proxy's event loop and clock. A turn is as Bun's: what is ready in the kernel is handed over, then immediates and
 * timers run. It takes time, it may come late, and it may be held up at any point.
 */
import { drainMicrotasks } from "bun:jsc";
import type { Clock, Timer } from "../../src/system/clock.ts";
import { SharedTimer, SharedTimers } from "../../src/system/sharedTimers.ts";
import { Schedule, type Scheduled } from "./schedule.ts";
import type { World } from "./world.ts";

/** A socket of the proxy's. */
export interface Pollable {
  /** Whether it waits to be dispatched; kept by the event loop. */
  isQueued: boolean;
  /** Hands over what the kernel has. */
  dispatch(): void;
}

export interface Habits {
  /** Which come first. */
  readonly timersFirst: boolean;
  /** Timers know whole milliseconds only. */
  readonly roundsTimers: boolean;
  /** Milliseconds of a turn of the loop. */
  readonly turnMs: number;
  /** How often a turn is late, and by how many milliseconds at most. */
  readonly lateChance: number;
  readonly lateMsMax: number;
}

class SimulatedTimer {
  scheduled: Scheduled | undefined;
}

export class EventLoop {
  readonly clock: Clock;
  /** Sees each sleep, which is what the function that it gets does. */
  onSleep: (ms: number, sleep: () => void) => void = (_, sleep) => sleep();
  /** Immediates that were asked for and have not run. */
  immediates: (() => void)[] = [];
  turns = 0;
  /** Callbacks that ran. */
  callbacks = 0;
  private readonly world: World;
  private readonly habits: Habits;
  private readonly timers = new Schedule();
  private ready: Pollable[] = [];
  private stallMs = 0;
  private isHeldUp = false;

  constructor(world: World, habits: Habits) {
    this.world = world;
    this.habits = habits;
    const sharedTimers = new SharedTimers({
      nowMs: () => world.nowMs,
      setTimeout: (run, ms) => this.setTimeout(run, ms),
      setImmediate: (run) => void this.immediates.push(run),
      cancel: (timer) => this.cancel(timer),
    });
    this.clock = {
      nowMs: () => {
        // To ask takes time, too: whoever waits for the clock waits for something.
        world.nowMs += 0.0002;
        return world.nowMs;
      },
      epochMs: () => 1_700_000_000_000 + Math.floor(world.nowMs),
      setTimeout: (run, ms) => this.setTimeout(run, ms),
      setSharedTimeout: (run, ms) => sharedTimers.setTimeout(run, ms),
      setInterval: (run, ms) => sharedTimers.setInterval(run, ms),
      setImmediate: (run) => void this.immediates.push(run),
      cancel: (timer) => (timer instanceof SharedTimer ? sharedTimers.cancel(timer) : this.cancel(timer)),
      sleep: (ms) => this.sleep(ms),
    };
  }

  get timersSet(): number {
    return this.timers.size;
  }

  /** Nothing is left to do but to wait. */
  get isIdle(): boolean {
    return this.ready.length === 0 && this.immediates.length === 0;
  }

  /** Of a socket: the kernel has something for the proxy. */
  wake(socket: Pollable): void {
    if (socket.isQueued) return;
    socket.isQueued = true;
    this.ready.push(socket);
  }

  /** The process does not run for a while. */
  stall(ms: number): void {
    // What happens while it does not run cannot hold it up for longer.
    if (!this.isHeldUp) this.stallMs = Math.max(this.stallMs, ms);
  }

  /** One turn; if there is nothing to do, time passes to the next thing that happens. */
  turn(): void {
    const { world, habits } = this;
    this.turns++;
    if (this.isIdle) {
      const nextAtMs = Math.min(world.nextAtMs(), this.timers.nextAtMs());
      if (nextAtMs > world.nowMs) world.advanceTo(Number.isFinite(nextAtMs) ? nextAtMs : world.nowMs + 1);
    }
    this.poll();
    // Between the look for I/O and the timers, where it matters most.
    if (this.stallMs > 0) this.holdUp();
    else if (habits.lateChance > 0 && world.random.chance(habits.lateChance)) {
      this.stallMs = world.random.between(0, habits.lateMsMax);
      this.holdUp();
    }
    if (habits.timersFirst) {
      this.runTimers();
      this.runImmediates();
    } else {
      this.runImmediates();
      this.runTimers();
    }
    world.advance(habits.turnMs);
  }

  private poll(): void {
    if (this.ready.length === 0) return;
    const { ready } = this;
    this.ready = [];
    if (ready.length > 1) this.world.random.shuffle(ready);
    for (const socket of ready) {
      socket.isQueued = false;
      this.guarded(socket.dispatch, socket);
    }
  }

  private runImmediates(): void {
    if (this.immediates.length === 0) return;
    const { immediates } = this;
    this.immediates = [];
    for (const run of immediates) this.guarded(run);
  }

  private runTimers(): void {
    // One that a timer sets is not due in the same turn.
    const byMs = this.world.nowMs;
    for (let next = this.timers.take(byMs); next !== undefined; next = this.timers.take(byMs)) this.guarded(next.run);
  }

  private guarded(run: () => void, of?: Pollable): void {
    this.callbacks++;
    try {
      run.call(of);
    } catch (error) {
      this.world.violated(`nobody caught: ${(error as Error).stack ?? String(error)}`);
    }
    // As Bun does after each.
    drainMicrotasks();
  }

  private holdUp(): void {
    const ms = this.stallMs;
    this.stallMs = 0;
    this.isHeldUp = true;
    this.world.stall(ms);
    this.isHeldUp = false;
  }

  private setTimeout(run: () => void, ms: number): Timer {
    const timer = new SimulatedTimer();
    timer.scheduled = this.timers.add(this.world.nowMs + this.delay(ms), run);
    return timer;
  }

  private delay(ms: number): number {
    if (!Number.isFinite(ms)) this.world.violated(`a timer of ${ms} ms`);
    return this.habits.roundsTimers ? Math.max(1, Math.floor(ms)) : Math.max(0, ms);
  }

  private cancel(timer: Timer | undefined): void {
    const { scheduled } = (timer as SimulatedTimer | undefined) ?? {};
    if (scheduled) this.timers.cancel(scheduled);
  }

  private sleep(ms: number): void {
    this.world.note("sleep", ms);
    this.onSleep(ms, () => this.world.advance(ms));
  }
}
