/**
 * From a name to its current owner: by the ring, or from the cache. On a `farmhash` ring a lookup costs less by the ring,
 * and the same for any number of names; for the others a cache spares an MD5 digest.
 */
import { coreMemory } from "../core/core.ts";
import { NO_LIVE_NODE } from "./owner.ts";
import type { Placement } from "./placement.ts";
import { ownerAt, type Ring } from "./ring.ts";
import { RingIndex } from "./ringIndex.ts";
import { MISS, RouteCache } from "./routeCache.ts";

export interface Locator {
  /**
   * Index of the node that owns the name `bytes[start, end)`; `NO_LIVE_NODE` if no node is up.
   * @param hash of the name, if `isHashed`
   */
  owner(bytes: Buffer, start: number, end: number, hash: number): number;
  /** Whether `owner` needs the hash of the name: a cache does. */
  readonly isHashed: boolean;
  /**
   * What the core looks names up by; undefined: it asks for their owner. Asking for it makes the ring, if there is a new
   * one: that takes memory, which the core does not get while it relays.
   */
  readonly index: RingIndex | undefined;
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

/** @param cacheSize the most names whose owner is cached, if that is worth it on this ring; 0: none */
export function locatorOf(placement: Placement, cacheSize: number): Locator {
  const direct = new DirectLocator(placement);
  return cacheSize === 0 || placement.isCheap ? direct : new CachedLocator(direct, cacheSize);
}

class DirectLocator implements Locator {
  readonly isHashed = false;
  readonly namesCached = 0;
  private readonly placement: Placement;
  private latest: Ring;
  private latestIndex: RingIndex;
  /** What the index is of. */
  private indexed: Ring;
  /** Makes the ring that replaces `latest`; undefined: `latest` is up to date. */
  private makeNext: (() => Ring) | undefined;

  constructor(placement: Placement) {
    this.placement = placement;
    this.latest = placement.full;
    this.latestIndex = new RingIndex(placement.full);
    this.indexed = placement.full;
    this.makeNext = undefined;
  }

  get ring(): Ring {
    if (this.makeNext !== undefined) this.latest = this.makeNext();
    this.makeNext = undefined;
    return this.latest;
  }

  /** The core knows no other position of a name than that on a `farmhash` ring. */
  get index(): RingIndex | undefined {
    const index = this.newestIndex();
    return this.placement.isCheap ? index : undefined;
  }

  owner(bytes: Buffer, start: number, end: number, _hash: number): number {
    const position = this.placement.position(bytes, start, end);
    const index = this.newestIndex();
    return this.indexed === this.ring ? index.ownerAt(position) : ownerAt(this.ring, position);
  }

  use(makeRing: () => Ring): void {
    this.makeNext = makeRing;
  }

  private newestIndex(): RingIndex {
    // The core reads it while it relays, and what it sends may be refused, and so change the ring.
    if (coreMemory.isHeld) return this.latestIndex;
    const { ring } = this;
    if (ring === this.indexed) return this.latestIndex;
    const replaced = this.latestIndex;
    this.latestIndex = new RingIndex(ring);
    this.indexed = ring;
    replaced.release();
    return this.latestIndex;
  }
}

class CachedLocator implements Locator {
  readonly isHashed = true;
  private readonly locator: Locator;
  private readonly cache: RouteCache;

  constructor(locator: Locator, cacheSize: number) {
    this.locator = locator;
    this.cache = new RouteCache(cacheSize);
  }

  get index(): RingIndex | undefined {
    return this.locator.index;
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
