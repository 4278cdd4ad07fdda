/**
 * What the proxy says of the time that lines take: as long as the kernel had held the datagram when it was read, or
 * longer, and no longer than since it came; of each bulk read for all that were read with it, and of nothing else.
 */
import type { Insides } from "./insides.ts";
import type { World } from "./world.ts";

/** The clock is asked after the kernel, and sums are not exact. */
const INEXACT_MS = 0.02;
/** Of a turn so many are measured. */
const MEASURED_MAX = 128;
/** What the runtime has read stands for that of a few turns. */
const AHEAD_MAX = 4;

/** Datagrams that were measured and whose turn has not ended. */
interface Measured {
  samples: number;
  /** Those that were read in bulk with them. */
  readInBulk: number;
  /** How long one of them had waited at least, and when the first came. */
  waitedMs: number;
  cameAtMs: number;
}

const nothing = (): Measured => ({
  ...{ samples: 0, readInBulk: 0 },
  ...{ waitedMs: Number.POSITIVE_INFINITY, cameAtMs: Number.POSITIVE_INFINITY },
});

export class DelayOracle {
  private readonly world: World;
  private proxy: Insides | undefined;
  /** Until the last look, and since. */
  private before = nothing();
  private since = nothing();
  private count = 0;
  private sumMs = 0;

  constructor(world: World) {
    this.world = world;
  }

  attach(proxy: Insides): void {
    this.proxy = proxy;
  }

  /** The proxy is told how long a datagram has waited. @param readInBulk with it, itself included; 0: by the runtime */
  told(cameAtMs: number, readInBulk: number): void {
    const { since, world, proxy } = this;
    // What is read while nobody is there, nobody gets.
    if (!proxy?.nodes.some(({ isUp }) => isUp)) return;
    since.samples++;
    since.readInBulk += readInBulk;
    since.waitedMs = Math.min(since.waitedMs, world.nowMs - cameAtMs);
    since.cameAtMs = Math.min(since.cameAtMs, cameAtMs);
  }

  /** @param sources that there have been */
  look(sources: number): void {
    const { proxy, before, since } = this;
    if (proxy === undefined) return;
    const { count, sumMs } = proxy.delays;
    const counted = count - this.count;
    if (counted !== 0) this.judge(counted, (sumMs - this.sumMs) / counted);
    if (count > proxy.counters.packetsReceived + AHEAD_MAX * sources)
      this.world.violated(`${count} delays, and ${proxy.counters.packetsReceived} datagrams`);
    // What was read since may be of the turn that goes on.
    this.before = counted === 0 ? bothOf(before, since) : since;
    if (counted !== 0) this.before.readInBulk = 0;
    this.since = nothing();
    this.count = count;
    this.sumMs = sumMs;
  }

  private judge(counted: number, meanMs: number): void {
    const { world, before, since } = this;
    const { samples, waitedMs, cameAtMs } = bothOf(before, since);
    const longestMs = world.nowMs - cameAtMs;
    if (samples === 0) world.violated(`${counted} delays, and nothing was read for a node`);
    else if (meanMs < waitedMs - INEXACT_MS || meanMs > longestMs + INEXACT_MS)
      world.violated(`delays of ${meanMs} ms: no datagram waited for less than ${waitedMs} or more than ${longestMs}`);
    if (samples < MEASURED_MAX && counted < before.readInBulk)
      world.violated(`${counted} delays, and ${before.readInBulk} datagrams were read with those that are measured`);
  }
}

function bothOf(a: Measured, b: Measured): Measured {
  return {
    samples: a.samples + b.samples,
    readInBulk: a.readInBulk + b.readInBulk,
    waitedMs: Math.min(a.waitedMs, b.waitedMs),
    cameAtMs: Math.min(a.cameAtMs, b.cameAtMs),
  };
}
