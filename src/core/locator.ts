/** From a name to the node that owns it now: by the ring, or by what is remembered of it. */
import { NO_OWNER } from "./owner.ts";
import type { Placement } from "./placement.ts";
import { ownerAt, type Ring } from "./ring.ts";
import { MISS, RouteCache } from "./routeCache.ts";

export interface Locator {
  /** Index of the node that owns the name `bytes[start, end)` with the hash `hash`; `NO_OWNER` if no node is up. */
  owner(bytes: Buffer, start: number, end: number, hash: number): number;
  /** The ring that names are looked up on now. */
  readonly ring: Ring;
  /** Names go by this ring from now on. */
  use(ring: Ring): void;
  /** Names remembered now. */
  readonly namesCached: number;
}

/** @param cacheSize names whose owner is remembered; 0: none */
export function locatorOf(placement: Placement, cacheSize: number): Locator {
  const direct = new DirectLocator(placement);
  return cacheSize === 0 ? direct : new CachedLocator(direct, cacheSize);
}

class DirectLocator implements Locator {
  ring: Ring;
  readonly namesCached = 0;
  private readonly placement: Placement;

  constructor(placement: Placement) {
    this.placement = placement;
    this.ring = placement.full;
  }

  owner(bytes: Buffer, start: number, end: number, _hash: number): number {
    return ownerAt(this.ring, this.placement.position(bytes, start, end));
  }

  use(ring: Ring): void {
    this.ring = ring;
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
    if (owner !== NO_OWNER) this.cache.insert(bytes, start, end, hash, owner);
    return owner;
  }

  /** What was remembered went by the ring before. */
  use(ring: Ring): void {
    this.locator.use(ring);
    this.cache.clear();
  }
}
