/**
 * A cache of the owners of names: exact (it compares bytes, not only hashes) and bounded (when full it is cleared and
 * starts again, so ten million different names cost time but no memory).
 *
 *     slots:    hash ref | 0 0 | hash ref | ...     open addressing, a power of two, at most 2/3 full
 *                     \___________________
 *     entries:  ... | owner << 16 | length | name ... | ...
 *
 * Both stay as compact as the number of names allows: after a sleep, the cost is memory access, and with a table sized
 * for the maximum number of names a lookup took 340 of the 460 ns of a line.
 */

/** Returned for a name that is not cached; differs from every owner and from the other special values. */
export const MISS = -3;

/** Longer names are not worth the space: they are hashed each time. */
const NAME_BYTES_MAX = 1024;
/** Average space for an entry. */
const ENTRY_BYTES_MEAN = 64;
/** Slots tried before a name counts as missing: bounds what colliding names can cost. */
const PROBES = 16;
const SLOTS_MIN = 1024;

export class RouteCache {
  /** Names in the cache. */
  size = 0;
  private readonly namesMax: number;
  /** Pairs of a hash and the entry's position in words; 0: the slot is free. */
  private slots = new Int32Array(2 * SLOTS_MIN);
  private slotMask = SLOTS_MIN - 1;
  /** Each entry begins at a word boundary: a word with owner and length, then the name. */
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  /** Word 0 is unused, so that no reference is 0. */
  private wordsEnd = 1;

  /** @param namesMax the most names to cache; 0: none */
  constructor(namesMax: number) {
    this.namesMax = namesMax;
    this.words = new Int32Array(1 + (namesMax * ENTRY_BYTES_MEAN) / 4);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  /** The owner of the name `bytes[start, end)` whose hash is `hash`, or `MISS`. */
  lookup(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const { slots, slotMask, words, bytes: names } = this;
    const length = end - start;
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = 2 * ((hash + probe) & slotMask);
      const ref = slots[slot + 1];
      if (ref === 0) return MISS;
      if (slots[slot] !== hash) continue;
      const head = words[ref];
      if ((head & 0xffff) !== length) continue;
      const offset = 4 * ref + 4 - start;
      let at = start;
      while (at < end && names[offset + at] === bytes[at]) at++;
      if (at === end) return head >>> 16;
    }
    return MISS;
  }

  /** Caches a name that `lookup` has just missed. */
  insert(bytes: Uint8Array, start: number, end: number, hash: number, owner: number): void {
    const length = end - start;
    const words = 1 + Math.ceil(length / 4);
    if (length > NAME_BYTES_MAX || 1 + words > this.words.length) return;
    if (this.size === this.namesMax || this.wordsEnd + words > this.words.length) this.clear();
    if (3 * (this.size + 1) > 2 * (this.slotMask + 1)) this.grow();
    const ref = this.wordsEnd;
    this.words[ref] = (owner << 16) | length;
    this.bytes.set(bytes.subarray(start, end), 4 * ref + 4);
    this.wordsEnd += words;
    this.place(hash, ref);
  }

  /** Removes all names. */
  clear(): void {
    this.slots.fill(0);
    this.size = 0;
    this.wordsEnd = 1;
  }

  private place(hash: number, ref: number): void {
    let slot = 2 * (hash & this.slotMask); // if no slot is free, the first one is evicted
    for (let probe = 0; probe < PROBES; probe++) {
      const candidate = 2 * ((hash + probe) & this.slotMask);
      if (this.slots[candidate + 1] === 0) {
        slot = candidate;
        this.size++;
        break;
      }
    }
    this.slots[slot] = hash;
    this.slots[slot + 1] = ref;
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Int32Array(2 * before.length);
    this.slotMask = before.length - 1;
    this.size = 0;
    for (let slot = 0; slot < before.length; slot += 2) {
      if (before[slot + 1] !== 0) this.place(before[slot], before[slot + 1]);
    }
  }
}
