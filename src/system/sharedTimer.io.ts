/**
 * Timers that share their wake-ups. To wake an idle process costs more than what most of its timers do: code and data have
 * to come from memory again. So what waits for half a second or longer fires up to a tenth of that earlier, together with
 * what fires then anyway.
 */
import { nextDueMs, slotFor, type TimerSlot } from "./timerSlots.ts";

/** Those that fire at one time. */
class Slot implements TimerSlot {
  readonly atMs: number;
  readonly timers = new Set<SharedTimer>();
  private readonly timeout: ReturnType<typeof setTimeout>;

  constructor(atMs: number) {
    this.atMs = atMs;
    this.timeout = setTimeout(() => this.fire(), atMs - performance.now());
    slots.add(this);
  }

  remove(timer: SharedTimer): void {
    this.timers.delete(timer);
    if (this.timers.size > 0 || !slots.delete(this)) return;
    clearTimeout(this.timeout);
  }

  private fire(): void {
    slots.delete(this);
    for (const timer of this.timers) {
      try {
        timer.fire();
      } catch (error) {
        // As if each had a timer of the runtime's own: the others fire, too.
        setImmediate(() => {
          throw error;
        });
      }
    }
  }
}

/** Those to come. */
const slots = new Set<Slot>();

export class SharedTimer {
  private readonly run: (dueMs: number) => void;
  private readonly ms: number;
  private readonly isRepeated: boolean;
  private slot: Slot;

  /** @param run is told when it was due, on the monotonic clock: it may be late */
  constructor(run: (dueMs: number) => void, ms: number, isRepeated: boolean) {
    this.run = run;
    this.ms = ms;
    this.isRepeated = isRepeated;
    this.slot = this.enter(performance.now() + ms);
  }

  cancel(): void {
    this.slot.remove(this);
  }

  fire(): void {
    const dueMs = this.slot.atMs;
    if (this.isRepeated) this.slot = this.enter(nextDueMs(dueMs, performance.now(), this.ms));
    this.run(dueMs);
  }

  private enter(dueMs: number): Slot {
    const slot = slotFor(slots, dueMs, performance.now(), this.ms) ?? new Slot(dueMs);
    slot.timers.add(this);
    return slot;
  }
}
