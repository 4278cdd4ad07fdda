/** File descriptors: how many there may be, and whether there is one left, which nothing in Bun tells before it is too late. */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.io.ts";

const RLIMIT_NOFILE = 7;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

/** How many this process may have open; Infinity where it cannot be asked. */
export function descriptorLimit(): number {
  try {
    // struct rlimit: what holds now, and what it may be raised to.
    const limits = new BigUint64Array(2);
    return openLibc().getrlimit(RLIMIT_NOFILE, ptr(limits)) === 0 ? Number(limits[0]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Returns what opens a socket, closes it again, and says whether that went well. Where it cannot be tried: always. */
export function openDescriptorTrial(): () => boolean {
  try {
    const libc = openLibc();
    const trial = () => {
      const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd === -1) return false;
      libc.close(fd);
      return true;
    };
    // At the start there are descriptors: if it fails now, it does so for another reason, and says nothing later.
    return trial() ? trial : () => true;
  } catch {
    return () => true;
  }
}
