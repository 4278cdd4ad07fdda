/** How many descriptors this process may have open. */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

const RLIMIT_NOFILE = 7;

/** Infinity where it cannot be asked. */
export function descriptorLimit(): number {
  try {
    // struct rlimit: what holds now, and what it may be raised to.
    const limits = new BigUint64Array(2);
    return openLibc().getrlimit(RLIMIT_NOFILE, ptr(limits)) === 0 ? Number(limits[0]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
