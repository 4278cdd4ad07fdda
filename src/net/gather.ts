/**
 * Gathering: how long a busy proxy sleeps before it reads on. What a relay costs at real rates is being woken for each
 * datagram; datagrams that gather in the kernel's buffer meanwhile are read in one go, and leave in fuller datagrams.
 *
 *     nothing to do ------ trickle ------ busy --------------------- flood
 *     (asleep anyway)      no sleep       sleep up to msMax, less     no sleep: a turn was
 *                                         as the buffer fills faster  as full as it may get
 *
 * Pure: what the turns saw in, milliseconds out. The sleeping itself is net/turns.ts's business.
 */

/** Below this rate a metric must not wait: it leaves in the turn that it came in. */
const TRICKLE_PER_MS = 0.3;
/** The rate is averaged over about this time, so that two datagrams in a row do not look like a flood. */
const SMOOTHING_MS = 20;
/** The part of the kernel's buffer that may fill during a sleep; the rest is for bursts. */
const BUFFER_PART = 1 / 8;
/** Sleeping for less costs more than it saves. */
const SLEEP_MS_MIN = 0.25;

/** What the kernel charges a datagram for besides its bytes; the sum is rounded up to a power of two (Linux 6). */
const CHARGE_OVERHEAD_BYTES = 512;

export interface GatherLimits {
  /** The most milliseconds of a sleep; 0: never. */
  readonly msMax: number;
  /** The receive buffer that the kernel granted, as it reports it. */
  readonly bufferBytes: number;
}

/** One turn, seen when it ends. */
export interface TurnSeen {
  readonly datagrams: number;
  readonly bytes: number;
  /** Since the turn before ended, sleep included. */
  readonly elapsedMs: number;
}

export class Gather {
  private readonly limits: GatherLimits;
  /** Datagrams a millisecond, smoothed. */
  private ratePerMs = 0;

  constructor(limits: GatherLimits) {
    this.limits = limits;
  }

  /** More comes than a trickle. */
  get busy(): boolean {
    return this.ratePerMs >= TRICKLE_PER_MS;
  }

  /** How many milliseconds to sleep after this turn. */
  sleepMs({ datagrams, bytes, elapsedMs }: TurnSeen): number {
    const ratePerMs = datagrams / Math.max(elapsedMs, 0.001);
    this.ratePerMs += Math.min(1, elapsedMs / SMOOTHING_MS) * (ratePerMs - this.ratePerMs);
    if (!this.busy || datagrams === 0) return 0;

    const aimBytes = this.limits.bufferBytes * BUFFER_PART;
    const charged = datagrams * chargedBytes(bytes / datagrams);
    if (charged > aimBytes) return 0;
    // The rate of this turn alone, if that is higher: a rate that rises must not be met with an old average.
    const chargedPerMs = (charged / datagrams) * Math.max(ratePerMs, this.ratePerMs);
    const sleepMs = Math.min(this.limits.msMax, aimBytes / chargedPerMs);
    return sleepMs < SLEEP_MS_MIN ? 0 : sleepMs;
  }
}

/** What the kernel charges its buffer for a datagram of so many bytes: 832 and more for a small one. */
export function chargedBytes(bytes: number): number {
  return 256 + 2 ** (32 - Math.clz32(bytes + CHARGE_OVERHEAD_BYTES - 1));
}
