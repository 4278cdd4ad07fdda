/** Whether there is a file descriptor left, which nothing in Bun tells before it is too late. */
import { openLibc } from "./libc.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

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
