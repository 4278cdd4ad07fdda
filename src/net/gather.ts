/**
 * Gathering: how long a busy proxy sleeps before it reads on. At real rates, the main cost of a relay is being woken
 * for each datagram. Datagrams that gather in the kernel's buffer meanwhile are read in one go, and leave in fuller
 * datagrams.
 *
 *     idle --------- trickle ------ busy --------------------- flood
 *     (asleep)       no sleep       sleep up to msMax, less    no sleep: the turn was
 *                                   as the buffer fills faster already as full as it may get
 *
 * Pure: takes what a turn measured, returns milliseconds. net/turns.ts does the sleeping.
 */

import { chargedBytes } from "../relay/kernelCharge.ts";

/** Below this rate nothing waits: a metric leaves in the turn in which it arrived. */
const TRICKLE_PER_MS = 0.3;
/** The rate is averaged over about this time, so that two datagrams in a row do not look like a flood. */
const SMOOTHING_MS = 20;
/** Share of the kernel's buffer that may fill during a sleep; the rest is left for bursts. */
const BUFFER_PART = 1 / 8;
/** A shorter sleep costs more than it saves. */
const SLEEP_MS_MIN = 0.25;

const USUAL_MS = 20;
/** Statsd daemons add up for ten seconds: what comes a moment later has lost nothing. */
const USUAL_MS_MAX = 60;

/**
 * The longest sleep, in milliseconds, where the configuration does not say. After a sleep a datagram goes to each node, full
 * or not, which is most of what many nodes cost: so with more than 20, a millisecond for each.
 */
export function usualGatherMs(nodes: number): number {
  return Math.min(USUAL_MS_MAX, Math.max(USUAL_MS, nodes));
}

export interface GatherLimits {
  /** The longest sleep in milliseconds; 0: never sleep. */
  readonly msMax: number;
  /** The receive buffer granted, as the kernel reports it. */
  readonly bufferBytes: number;
}

/** What a turn measured, known when it ends. */
export interface TurnSeen {
  readonly datagrams: number;
  readonly bytes: number;
  /** Since the previous turn ended, sleep included. */
  readonly elapsedMs: number;
}

export class Gather {
  private readonly limits: GatherLimits;
  /** Datagrams per millisecond, smoothed. */
  private ratePerMs = 0;

  constructor(limits: GatherLimits) {
    this.limits = limits;
  }

  /** More than a trickle arrives. */
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
