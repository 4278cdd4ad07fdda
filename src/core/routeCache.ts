/**
 * Owners of names, remembered by the names' bytes: exact (bytes are compared, not only hashes) and bounded (when it is
 * full it forgets everything and starts again, so ten million different names cost time and no memory).
 */

/** A name that is not remembered. Owners are never negative but for `NO_OWNER`, which is not cached. */
export const MISS = -2;

/** Longer names are not worth the room: they are hashed each time. */
const NAME_BYTES_MAX = 1024;
/** Room for names, on average for each. */
const NAME_BYTES_MEAN = 64;
/** Places looked at before a name counts as not there: bounds what colliding names can cost. */
const PROBES = 8;

// A slot is four neighbouring integers, so that a hit touches one line of the processor's cache.
const SLOT_INTS = 4;
const HASH = 0;
const OFFSET = 1;
const LENGTH = 2; // 0: the slot is free
const OWNER = 3;

export class RouteCache {
  /** Names remembered now. */
  size = 0;
  private namesEnd = 0;
  private readonly namesMax: number;
  private readonly names: Uint8Array;
  private readonly slots: Int32Array;
  private readonly slotMask: number;

  /** @param namesMax the most names to remember; 0: none */
  constructor(namesMax: number) {
    this.namesMax = namesMax;
    this.names = new Uint8Array(namesMax * NAME_BYTES_MEAN);
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(namesMax * 2, PROBES)));
    this.slots = new Int32Array(slotCount * SLOT_INTS);
    this.slotMask = slotCount - 1;
  }

  /** The owner of the name `bytes[start, end)` whose hash is `hash`, or `MISS`. */
  lookup(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const { slots, names, slotMask } = this;
    const length = end - start;
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = ((hash + probe) & slotMask) * SLOT_INTS;
      const slotLength = slots[slot + LENGTH];
      if (slotLength === 0) return MISS;
      if (slots[slot + HASH] === hash && slotLength === length) {
        const offset = slots[slot + OFFSET];
        let i = 0;
        while (i < length && names[offset + i] === bytes[start + i]) i++;
        if (i === length) return slots[slot + OWNER];
      }
    }
    return MISS;
  }

  /** Remembers a name that `lookup` just missed. */
  insert(bytes: Uint8Array, start: number, end: number, hash: number, owner: number): void {
    const length = end - start;
    if (length > NAME_BYTES_MAX || length > this.names.length) return;
    if (this.size === this.namesMax || this.namesEnd + length > this.names.length) this.clear();
    const { slots, slotMask } = this;
    let slot = (hash & slotMask) * SLOT_INTS; // if no place is free, the first one is taken over, and its name forgotten
    for (let probe = 0; probe < PROBES; probe++) {
      const candidate = ((hash + probe) & slotMask) * SLOT_INTS;
      if (slots[candidate + LENGTH] === 0) {
        slot = candidate;
        break;
      }
    }
    if (slots[slot + LENGTH] === 0) this.size++;
    slots[slot + HASH] = hash;
    slots[slot + OFFSET] = this.namesEnd;
    slots[slot + LENGTH] = length;
    slots[slot + OWNER] = owner;
    this.names.set(bytes.subarray(start, end), this.namesEnd);
    this.namesEnd += length;
  }

  /** Forgets every name. */
  clear(): void {
    this.slots.fill(0);
    this.size = 0;
    this.namesEnd = 0;
  }
}
