/** File descriptors: how many are allowed, and whether one is left, which Bun does not reveal before it is too late. */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.io.ts";

const RLIMIT_NOFILE = 7;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

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

/**
 * Returns a function that opens and closes a socket, and tells whether that worked. Always true where it cannot be
 * tried.
 */
export function openDescriptorTrial(): () => boolean {
  try {
    const libc = openLibc();
    const trial = () => {
      const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd === -1) return false;
      libc.close(fd);
      return true;
    };
    // At the start there are descriptors left: a failure now has another cause, so failures would mean nothing later.
    return trial() ? trial : () => true;
  } catch {
    return () => true;
  }
}
