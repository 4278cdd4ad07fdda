/**
 * Timers that share their wake-ups. To wake an idle process costs more than what most of its timers do: code and data have
 * to come from memory again. So what waits for half a second or longer fires up to a tenth of that earlier, together with
 * what fires then anyway.
 */
import type { Clock, Timer } from "./clock.ts";
import { isSharedDelay, nextDueMs, slotFor, type TimerSlot } from "./timerSlots.ts";

/** What they are made of. */
export type TimerClock = Pick<Clock, "nowMs" | "setTimeout" | "setImmediate" | "cancel">;

export class SharedTimer {
  readonly run: (dueMs: number) => void;
  readonly ms: number;
  readonly isRepeated: boolean;
  slot: Slot | undefined;

  constructor(run: (dueMs: number) => void, ms: number, isRepeated: boolean) {
    this.run = run;
    this.ms = ms;
    this.isRepeated = isRepeated;
  }
}

/** Those that fire at one time. */
class Slot implements TimerSlot {
  readonly atMs: number;
  readonly timers = new Set<SharedTimer>();
  timeout: Timer | undefined;

  constructor(atMs: number) {
    this.atMs = atMs;
  }
}

/** Those of one clock. */
export class SharedTimers {
  private readonly clock: TimerClock;
  /** To come, and open to others. */
  private readonly slots = new Set<Slot>();

  constructor(clock: TimerClock) {
    this.clock = clock;
  }

  /** @param run is told when it was due, on the monotonic clock: it may be late */
  setTimeout(run: (dueMs: number) => void, ms: number): SharedTimer {
    return this.start(new SharedTimer(run, ms, false));
  }

  setInterval(run: () => void, ms: number): SharedTimer {
    return this.start(new SharedTimer(run, ms, true));
  }

  cancel(timer: SharedTimer): void {
    const { slot } = timer;
    if (slot === undefined) return;
    slot.timers.delete(timer);
    if (slot.timers.size > 0) return;
    this.slots.delete(slot);
    this.clock.cancel(slot.timeout);
  }

  private start(timer: SharedTimer): SharedTimer {
    const nowMs = this.clock.nowMs();
    this.enter(timer, nowMs + timer.ms, nowMs);
    return timer;
  }

  /** Has a timer fire when it is due, or with others before. */
  private enter(timer: SharedTimer, dueMs: number, nowMs: number): void {
    const slot = isSharedDelay(timer.ms)
      ? (slotFor(this.slots, dueMs, nowMs, timer.ms) ?? this.open(dueMs, nowMs))
      : this.slotAt(dueMs, nowMs);
    slot.timers.add(timer);
    timer.slot = slot;
  }

  private open(atMs: number, nowMs: number): Slot {
    const slot = this.slotAt(atMs, nowMs);
    this.slots.add(slot);
    return slot;
  }

  private slotAt(atMs: number, nowMs: number): Slot {
    const slot = new Slot(atMs);
    slot.timeout = this.clock.setTimeout(() => this.fireAll(slot), atMs - nowMs);
    return slot;
  }

  private fireAll(slot: Slot): void {
    this.slots.delete(slot);
    for (const timer of slot.timers) {
      try {
        this.fire(timer, slot.atMs);
      } catch (error) {
        // As if each had a timer of the runtime's own: the others fire, too.
        this.clock.setImmediate(() => {
          throw error;
        });
      }
    }
  }

  private fire(timer: SharedTimer, dueMs: number): void {
    if (timer.isRepeated) {
      const nowMs = this.clock.nowMs();
      this.enter(timer, nextDueMs(dueMs, nowMs, timer.ms), nowMs);
    }
    timer.run(dueMs);
  }
}
