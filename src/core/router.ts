/** From a name to the node that owns it now. */
import type { Placement } from "./placement.ts";
import { NO_OWNER, ownerAt, type Ring } from "./ring.ts";
import { MISS, RouteCache } from "./routeCache.ts";

export class Router {
  /** The ring that names are looked up on now. */
  ring: Ring;
  private readonly placement: Placement;
  private readonly cache: RouteCache;

  /** @param cacheSize names whose owner is remembered */
  constructor(placement: Placement, cacheSize: number) {
    this.placement = placement;
    this.ring = placement.full;
    this.cache = new RouteCache(cacheSize);
  }

  /** Index of the node that owns the name `bytes[start, end)` with the hash `hash`; `NO_OWNER` if no node is up. */
  owner(bytes: Buffer, start: number, end: number, hash: number): number {
    const cached = this.cache.lookup(bytes, start, end, hash);
    if (cached !== MISS) return cached;
    const owner = ownerAt(this.ring, this.placement.position(bytes, start, end));
    if (owner !== NO_OWNER) this.cache.insert(bytes, start, end, hash, owner);
    return owner;
  }

  /** Names go by this ring from now on; what was remembered went by the one before. */
  use(ring: Ring): void {
    this.ring = ring;
    this.cache.clear();
  }

  /** Names remembered now. */
  get namesCached(): number {
    return this.cache.size;
  }
}
