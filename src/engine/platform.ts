/** Everything that the proxy takes from outside: the real platform (bunPlatform.io.ts), or a simulated one. */
import type { Network } from "../net/network.ts";
import type { Fingerprint32 } from "../placement/placement.ts";
import type { Clock } from "../system/clock.ts";
import type { MemoryFigures, ProcessFigures } from "../system/processFigures.ts";

export interface Platform {
  readonly clock: Clock;
  readonly network: Network;
  /** What the process uses of the machine. */
  readonly resources: () => ProcessFigures;
  readonly memory: () => MemoryFigures;
  /** How many file descriptors the process may open; Infinity if the system cannot tell. */
  readonly descriptorLimit: () => number;
  /**
   * @param onMissing is told once why FarmHash's addon cannot be loaded: our own function takes its place
   * @throws Error with a one-line message, if the addon is damaged
   */
  readonly loadFingerprint32: (onMissing: (reason: string) => void) => Fingerprint32;
  /** The machine's name. */
  readonly hostName: string;
  /** An unpredictable 32-bit integer. */
  readonly random32: () => number;
}
