/** All that the proxy takes from outside: Bun's and the system's (bunPlatform.io.ts), or what a simulation makes up. */
import type { Network } from "../net/network.ts";
import type { Fingerprint32 } from "../placement/placement.ts";
import type { Clock } from "../system/clock.ts";
import type { MemoryFigures, ProcessFigures } from "../system/processFigures.ts";

export interface Platform {
  readonly clock: Clock;
  readonly network: Network;
  /** What the process takes of the machine. */
  readonly resources: () => ProcessFigures;
  readonly memory: () => MemoryFigures;
  /** File descriptors that the process may have open; Infinity where it cannot be asked. */
  readonly descriptorLimit: () => number;
  /** @throws Error with one line, if FarmHash's addon cannot be loaded */
  readonly loadFingerprint32: () => Fingerprint32;
  /** Any 32-bit integer, which nobody can guess. */
  readonly random32: () => number;
}
