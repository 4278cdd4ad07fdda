/**
 * Timers that share their wake-ups. To wake an idle process costs more than what most of its timers do: code and data have
 * to come from memory again. So what waits for half a second or longer fires up to a tenth of that earlier, together with
 * what fires then anyway.
 */

/** Shorter delays are kept to the millisecond. */
const SHARED_MS_MIN = 500;
const EARLY_PART = 1 / 10;

/** What fires at one time. */
class Slot {
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
  private readonly run: () => void;
  private readonly ms: number;
  private readonly isRepeated: boolean;
  private slot: Slot;

  constructor(run: () => void, ms: number, isRepeated: boolean) {
    this.run = run;
    this.ms = ms;
    this.isRepeated = isRepeated;
    this.slot = this.slotBy(performance.now() + ms);
  }

  static isFor(ms: number): boolean {
    return ms >= SHARED_MS_MIN;
  }

  cancel(): void {
    this.slot.remove(this);
  }

  fire(): void {
    if (this.isRepeated) {
      // From when it was due on, or it would drift; but not from long ago, if the process stood still.
      const fromMs = Math.max(this.slot.atMs, performance.now() - this.ms * EARLY_PART);
      this.slot = this.slotBy(fromMs + this.ms);
    }
    this.run();
  }

  /** Puts it in the last slot that is near enough, or in a new one. */
  private slotBy(dueMs: number): Slot {
    const earliestMs = dueMs - this.ms * EARLY_PART;
    let last: Slot | undefined;
    for (const slot of slots) {
      const { atMs } = slot;
      if (atMs >= earliestMs && atMs <= dueMs && atMs > (last?.atMs ?? 0)) last = slot;
    }
    last ??= new Slot(dueMs);
    last.timers.add(this);
    return last;
  }
}
