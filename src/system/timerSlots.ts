/** When timers that share their wake-ups fire. */

/** Shorter delays are kept to the millisecond. */
const SHARED_MS_MIN = 500;
const EARLY_PART = 1 / 10;
/** So that what runs at one time does not take long. */
const TIMERS_MAX = 16;

/** Timers that fire at one time. */
export interface TimerSlot {
  readonly atMs: number;
  readonly timers: { readonly size: number };
}

/** Whether a delay is long enough for a timer to fire with others. */
export function isSharedDelay(ms: number): boolean {
  return ms >= SHARED_MS_MIN;
}

/** When a timer that is repeated is due again: an interval after it was, or it would drift; but not from long ago. */
export function nextDueMs(wasDueMs: number, nowMs: number, everyMs: number): number {
  return Math.max(wasDueMs, nowMs - everyMs * EARLY_PART) + everyMs;
}

/**
 * The last slot in which a timer may fire: up to a tenth of its delay early, counted from now as from when it is due, and
 * never late. Undefined: it needs one of its own.
 */
export function slotFor<S extends TimerSlot>(
  slots: Iterable<S>,
  dueMs: number,
  nowMs: number,
  delayMs: number,
): S | undefined {
  const earlyMs = delayMs * EARLY_PART;
  const earliestMs = Math.max(dueMs, nowMs + delayMs) - earlyMs;
  let last: S | undefined;
  for (const slot of slots) {
    const { atMs, timers } = slot;
    if (atMs < earliestMs || atMs > dueMs || timers.size >= TIMERS_MAX) continue;
    if (last === undefined || atMs > last.atMs) last = slot;
  }
  return last;
}
