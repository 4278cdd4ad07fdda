/** The proxy's machine: its descriptors, ports, addresses and routes, and how its kernel and runtime behave. */
import type { BackendSocket } from "./backendSocket.ts";
import type { DelayOracle } from "./delayOracle.ts";
import type { Ledger } from "./ledger.ts";
import type { ManagementConnection } from "./managementConnection.ts";
import type { World } from "./world.ts";

export interface MachineHabits {
  /** As on Linux; else as elsewhere. */
  readonly hasKernel: boolean;
  /** How often it says how long a datagram has waited; 0: it does not know such a thing. */
  readonly tellsWaits: number;
  readonly repeatsAnswers: boolean;
  readonly throwsFromSendMany: boolean;
  /** Whether batches can be sent in bulk. */
  readonly sendsBatches: boolean;
  /** What `net.core.rmem_max` is. */
  readonly receiveBufferMax: number;
  /** Milliseconds that a datagram takes to be read, and to be sent. */
  readonly readMs: number;
  readonly sendMs: number;
  /** Milliseconds that a piece of an answer takes an operator's server. */
  readonly answerMs: number;
  /** The longest that a socket takes to open, and a look-up. */
  readonly openMsMax: number;
  readonly resolveMsMax: number;
}

export class Machine {
  readonly world: World;
  readonly habits: MachineHabits;
  readonly ledger: Ledger;
  readonly delays: DelayOracle;
  /** Ports that other programs have, as `udp 8125`. */
  readonly taken = new Set<string>();
  /** Milliseconds that a datagram takes to be read. */
  readMs: number;
  hasRoute = true;
  /** Counts the addresses that it has had. */
  address = 0;
  /** No descriptor is left for whoever asks. */
  isOutOfDescriptors = false;
  /** Of the proxy. */
  descriptors = 0;
  /** When something was last out of order that openings may fail for. */
  troubledAtMs = Number.NEGATIVE_INFINITY;
  openFailedAtMs = Number.NEGATIVE_INFINITY;
  readonly links = new Set<BackendSocket>();
  readonly management = new Set<ManagementConnection>();
  /** Sockets of the proxy that are being opened. */
  openings = 0;
  /** When one of them was open, or could not be opened, last; in time that the proxy was awake. */
  openingEndedMs = Number.NEGATIVE_INFINITY;

  constructor(world: World, habits: MachineHabits, ledger: Ledger, delays: DelayOracle) {
    this.world = world;
    this.habits = habits;
    this.readMs = habits.readMs;
    this.ledger = ledger;
    this.delays = delays;
  }

  /** Takes a descriptor, if there is one left. */
  open(): boolean {
    if (this.isOutOfDescriptors) return false;
    this.descriptors++;
    return true;
  }

  close(): void {
    this.descriptors--;
  }
}
