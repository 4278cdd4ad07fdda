/** Finds the highest rate that a relay carries. */
import type { Shot } from "./session.ts";

/** A rate is carried if no more than this share is lost. */
const LOST_MAX = 0.001;

/** Disturbances can only lower the result: a rate is carried if one of this many attempts carries it. */
const TRIES = 3;
const PROBE_SECONDS = 1;
const CONFIRM_SECONDS = 3;
/** Precision at which the search ends: 12%. */
const NEAR = 1.12;
const SEARCH_MS_MAX = 40_000;
/** A rate that longer shots do not confirm is lowered to three quarters, at most this often. */
const CONFIRMATIONS_MAX = 8;
const RATE_MIN = 50;

type Shoot = (datagramsPerSecond: number, seconds: number) => Promise<Shot>;

/** The shot at the highest rate with at most `LOST_MAX` lost; undefined: there was none. */
export async function searchHighest(shoot: Shoot, firstRate: number): Promise<Shot | undefined> {
  let rate = await bracketed(shoot, firstRate);
  for (let i = 0; i < CONFIRMATIONS_MAX && rate >= RATE_MIN; i++) {
    const carried = await carry(shoot, rate, CONFIRM_SECONDS);
    if (carried) return carried;
    rate *= 0.75;
  }
  return undefined;
}

/** Doubles (or halves) until the limit lies between two rates, then bisects. Returns the lower one. */
async function bracketed(shoot: Shoot, firstRate: number): Promise<number> {
  const endMs = performance.now() + SEARCH_MS_MAX;
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let rate = firstRate;
  while (rate >= RATE_MIN && high / low > NEAR && performance.now() < endMs) {
    const carried = await carry(shoot, rate, PROBE_SECONDS);
    if (carried) low = rate;
    else high = rate;
    if (carried?.senderBound) break;
    if (low === 0) rate = high / 2;
    else rate = high === Number.POSITIVE_INFINITY ? low * 2 : Math.sqrt(low * high);
  }
  return low;
}

/** A shot that carried the rate; if the sender never kept up, the fastest of those without loss. */
async function carry(shoot: Shoot, rate: number, seconds: number): Promise<Shot | undefined> {
  let best: Shot | undefined;
  for (let i = 0; i < TRIES; i++) {
    const shot = await shoot(rate, seconds);
    if (shot.lost > LOST_MAX) continue;
    if (!shot.senderBound) return shot;
    if (best === undefined || shot.datagramsPerSecond > best.datagramsPerSecond) best = shot;
  }
  return best;
}
