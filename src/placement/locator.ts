/** From a name to its current owner: by the ring, or from the cache. */
import { NO_LIVE_NODE } from "./owner.ts";
import type { Placement } from "./placement.ts";
import { ownerAt, type Ring } from "./ring.ts";
import { MISS, RouteCache } from "./routeCache.ts";

export interface Locator {
  /** Index of the node that owns the name `bytes[start, end)` with the hash `hash`; `NO_LIVE_NODE` if no node is up. */
  owner(bytes: Buffer, start: number, end: number, hash: number): number;
  /** The ring in use. */
  readonly ring: Ring;
  /**
   * Switches to another ring. It is made on demand, so that nodes that leave together cost one ring: when 500 nodes
   * lost half, each ring took 60 ms, and the kernel dropped 100,000 of 160,000 datagrams meanwhile.
   */
  use(makeRing: () => Ring): void;
  /** Names in the cache. */
  readonly namesCached: number;
}

/** @param cacheSize the most names whose owner is cached; 0: none */
export function locatorOf(placement: Placement, cacheSize: number): Locator {
  const direct = new DirectLocator(placement);
  return cacheSize === 0 ? direct : new CachedLocator(direct, cacheSize);
}

class DirectLocator implements Locator {
  readonly namesCached = 0;
  private readonly placement: Placement;
  private latest: Ring;
  /** Makes the ring that replaces `latest`; undefined: `latest` is up to date. */
  private makeNext: (() => Ring) | undefined;

  constructor(placement: Placement) {
    this.placement = placement;
    this.latest = placement.full;
    this.makeNext = undefined;
  }

  get ring(): Ring {
    if (this.makeNext !== undefined) {
      this.latest = this.makeNext();
      this.makeNext = undefined;
    }
    return this.latest;
  }

  owner(bytes: Buffer, start: number, end: number, _hash: number): number {
    return ownerAt(this.ring, this.placement.position(bytes, start, end));
  }

  use(makeRing: () => Ring): void {
    this.makeNext = makeRing;
  }
}

class CachedLocator implements Locator {
  private readonly locator: Locator;
  private readonly cache: RouteCache;

  constructor(locator: Locator, cacheSize: number) {
    this.locator = locator;
    this.cache = new RouteCache(cacheSize);
  }

  get ring(): Ring {
    return this.locator.ring;
  }

  get namesCached(): number {
    return this.cache.size;
  }

  owner(bytes: Buffer, start: number, end: number, hash: number): number {
    const cached = this.cache.lookup(bytes, start, end, hash);
    if (cached !== MISS) return cached;
    const owner = this.locator.owner(bytes, start, end, hash);
    if (owner !== NO_LIVE_NODE) this.cache.insert(bytes, start, end, hash, owner);
    return owner;
  }

  /** Cached owners belong to the previous ring. */
  use(makeRing: () => Ring): void {
    this.locator.use(makeRing);
    this.cache.clear();
  }
}
