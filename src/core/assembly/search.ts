/** Searching bytes, eight at a time. Reads up to seven bytes beyond `end`, which are the core's memory, too. */

/** A one in each byte, and the highest bit of each. */
const ONES: u64 = u64.MAX_VALUE / 255;
const HIGHS: u64 = ONES << 7;

/** Position of the first `byte` in `[at, end)`, or `end`. */
export function find(at: usize, end: usize, byte: u64): usize {
  const pattern = byte * ONES;
  while (at < end) {
    const found = zeros(load<u64>(at) ^ pattern);
    if (found !== 0) return min(at + usize(ctz(found) >> 3), end);
    at += 8;
  }
  return end;
}

/** Position of the first `one` or `other` in `[at, end)`, or `end`. */
export function findEither(at: usize, end: usize, one: u64, other: u64): usize {
  const onePattern = one * ONES;
  const otherPattern = other * ONES;
  while (at < end) {
    const word = load<u64>(at);
    const found = zeros(word ^ onePattern) | zeros(word ^ otherPattern);
    if (found !== 0) return min(at + usize(ctz(found) >> 3), end);
    at += 8;
  }
  return end;
}

/** How many of `[at, end)` are `byte`. */
export function count(at: usize, end: usize, byte: u64): u32 {
  let found: u32 = 0;
  for (; at < end; at++) if (load<u8>(at) === <u8>byte) found++;
  return found;
}

/**
 * The high bit of each byte that is zero. Above the first such byte there may be others set, so only the lowest counts
 * (Mycroft's test, "Bit Twiddling Hacks").
 */
function zeros(word: u64): u64 {
  return (word - ONES) & ~word & HIGHS;
}

/** Copies `bytes`; writes up to seven bytes more. */
export function copy(to: usize, from: usize, bytes: usize): void {
  if (bytes > COPY_INLINE_MAX) {
    memory.copy(to, from, bytes);
    return;
  }
  for (let at: usize = 0; at < bytes; at += 8) store<u64>(to + at, load<u64>(from + at));
}

/** Up to here a loop is faster than the runtime's copying, which is called. */
const COPY_INLINE_MAX: usize = 256;
