/** A place at the front of the queue for a processor. */
import { setPriority } from "node:os";

/** Of -20 to 19, the lower the sooner. */
const PREFERRED = -10;

/** For programs whose promptness a test is about: what else the machine does must not look like a fault. Only root may. */
export function prefer(pid: number): void {
  try {
    setPriority(pid, PREFERRED);
  } catch {}
}
