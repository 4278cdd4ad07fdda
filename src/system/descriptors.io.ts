/** How many file descriptors are allowed, which Bun does not reveal. */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.io.ts";

const RLIMIT_NOFILE = 7;

/** How many this process may have open; Infinity if the system cannot tell. */
export function descriptorLimit(): number {
  try {
    // struct rlimit: the current limit, and the highest it may be raised to.
    const limits = new BigUint64Array(2);
    return openLibc().getrlimit(RLIMIT_NOFILE, ptr(limits)) === 0 ? Number(limits[0]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
