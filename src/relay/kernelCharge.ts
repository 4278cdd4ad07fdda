/** What a datagram costs in a socket's buffer. */

/** What the kernel charges per datagram on top of its bytes; the sum is rounded up to a power of two (Linux 6). */
const CHARGE_OVERHEAD_BYTES = 512;

/** What the kernel charges its buffer for a datagram of this size: 832 or more for a small one. */
export function chargedBytes(bytes: number): number {
  return 256 + 2 ** (32 - Math.clz32(bytes + CHARGE_OVERHEAD_BYTES - 1));
}
