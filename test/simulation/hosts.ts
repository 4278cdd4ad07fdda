/** The backends' hosts: programs that live, die, hang and lie, and the ways to them. */

import type { BackendSocket } from "./backendSocket.ts";
import type { ManagementConnection } from "./managementConnection.ts";
import type { World } from "./world.ts";

/**
 * How a backend behaves.
 *
 * - `lives`, and answers; `closes` its connection after each answer, sooner or later; `talks` more than it is asked
 * - `noUdp`: its port for metrics is closed, and it says that it is up
 * - `dead`: both ports are closed, the host answers so; `gone`: nothing answers
 * - `hangs`: its connections are accepted by the kernel, and nobody reads them
 * - `down`: it says so; `garbage`, `half`, `long`: answers that are none; `resets` every connection
 * - `late`: it answers after all patience; `sluggish`: sometimes too late
 */
export const MANNERS = [
  ...(["lives", "closes", "talks", "noUdp", "dead", "gone", "hangs"] as const),
  ...(["down", "garbage", "half", "long", "resets", "late", "sluggish"] as const),
] as const;
export type Manner = (typeof MANNERS)[number];

/** What checks must make of a manner, if it lasts; undefined: either. */
export function verdictOf(manner: Manner): "healthy" | "failing" | undefined {
  if (manner === "sluggish") return undefined;
  return ["lives", "closes", "talks", "noUdp"].includes(manner) ? "healthy" : "failing";
}

/** A client of TCP asks again after so long. */
const SYN_AGAIN_MS = 1000;
/** The kernel needs so long to find that nobody has an address. */
const NEIGHBOUR_MS = 3000;

/** Manners of those that nothing is wrong with, most of them in the first. */
export const WELL_MANNERS = ["lives", "lives", "lives", "closes", "talks"] as const;

export interface HostParts {
  readonly world: World;
  readonly address: string;
  /** See `slotOf` (addresses.ts). */
  readonly slot: number;
  readonly latencyMs: number;
  /** How often a datagram to a closed port is answered. */
  readonly icmpChance: number;
  /** On the proxy's own machine: that a port is closed shows as soon as something is sent to it. */
  readonly isLocal: boolean;
  /** On the proxy's own network: that it is gone is told by the kernel. */
  readonly isNeighbour: boolean;
}

export class Host {
  readonly parts: HostParts;
  manner: Manner;
  /** Since when, in time that the proxy was awake. */
  sinceMs = Number.NEGATIVE_INFINITY;
  readonly connections = new Set<ManagementConnection>();
  readonly sockets = new Set<BackendSocket>();
  /** Datagrams that the way to it takes now; Infinity: all. */
  room = Number.POSITIVE_INFINITY;
  /** What sending to it fails with. */
  sendErrno: string | undefined;
  /** Datagrams that are larger are refused. */
  datagramBytesMax = 65507;
  /** How long it was healthy before its manner changed. */
  wasHealthyMs = 0;
  /** When it died, it had a connection that it had kept. */
  wasAsked = false;
  /** When the proxy was first told of a refusal since; Infinity: not yet. */
  refusedAtMs = Number.POSITIVE_INFINITY;
  /** Ends of connections that were kept from one check to the next, as far as the proxy knows of them. */
  endsTold = 0;
  /** When the proxy asked it something last, or tried to. */
  askedAtMs = Number.NEGATIVE_INFINITY;
  /** When something could not be sent to it last. */
  troubledMs = Number.NEGATIVE_INFINITY;
  private neighbourTold = false;

  constructor(parts: HostParts) {
    this.parts = parts;
    this.manner = parts.world.random.pick(WELL_MANNERS);
  }

  get isUdpOpen(): boolean {
    return this.manner !== "dead" && this.manner !== "noUdp" && this.manner !== "gone";
  }

  become(manner: Manner): void {
    if (manner === this.manner) return;
    const { world, address } = this.parts;
    const before = this.manner;
    const connections = [...this.connections];
    this.wasHealthyMs = verdictOf(before) === "healthy" ? world.awakeMs - this.sinceMs : 0;
    this.wasAsked = connections.some(({ answers, isLost }) => answers > 1 && !isLost);
    this.refusedAtMs = Number.POSITIVE_INFINITY;
    this.manner = manner;
    this.sinceMs = world.awakeMs;
    world.note("host", address, manner);
    const isNewProcess = before === "gone" ? world.random.chance(0.5) : false;
    for (const connection of connections) {
      if (manner === "dead") connection.ended(world.random.chance(0.5) ? "ECONNRESET" : undefined);
      else if (isNewProcess) connection.isForgotten = true;
      // What hung answers now what it was asked then.
      else if (before === "hangs" || before === "gone") this.answerAll(connection);
    }
  }

  /** A datagram arrives. */
  received(socket: BackendSocket): void {
    const { world, icmpChance, latencyMs, isLocal, isNeighbour } = this.parts;
    if (this.isUdpOpen) return;
    if (this.manner === "gone") {
      if (!isNeighbour || this.neighbourTold) return;
      this.neighbourTold = true;
      world.after(NEIGHBOUR_MS, () => {
        this.neighbourTold = false;
        if (this.manner === "gone") socket.answered("EHOSTUNREACH");
      });
      return;
    }
    if (isLocal) socket.answered("ECONNREFUSED");
    else if (icmpChance === 1 || world.random.chance(icmpChance)) {
      world.after(2 * latencyMs, () => socket.answered("ECONNREFUSED"));
    }
  }

  /** The proxy is told that a datagram was refused. */
  refusalTold(): void {
    this.refusedAtMs = Math.min(this.refusedAtMs, this.parts.world.awakeMs);
  }

  /** Somebody wants to connect. */
  connect(connection: ManagementConnection): void {
    const { world, latencyMs } = this.parts;
    world.after(2 * latencyMs, () => {
      if (connection.isOver || connection.isLost) return;
      if (this.manner === "dead") connection.ended("ECONNREFUSED");
      else if (this.manner === "gone") world.after(SYN_AGAIN_MS, () => connection.isOver || this.connect(connection));
      else {
        this.connections.add(connection);
        connection.connected();
        if (this.manner === "resets") world.after(latencyMs, () => connection.ended(resetOrEnd(world)));
      }
    });
  }

  /** A question is on its way. */
  asked(connection: ManagementConnection): void {
    const { world, latencyMs } = this.parts;
    connection.unanswered++;
    world.after(latencyMs, () => {
      if (connection.isForgotten && this.manner !== "gone") connection.ended("ECONNRESET");
      // It was about to close it, and the question was on its way.
      else if (this.manner === "closes" && connection.answers > 0) connection.ended(resetOrEnd(world));
      else this.answerAll(connection);
    });
  }

  private answerAll(connection: ManagementConnection): void {
    while (!connection.isOver && connection.unanswered > 0 && this.answers()) {
      connection.unanswered--;
      this.answer(connection);
    }
  }

  /** Most close at once; some take their time, and the next question may come before. */
  private closesAfterMs(): number {
    const { random } = this.parts.world;
    return random.chance(0.5) ? random.between(0, 3) : random.magnitude(3, 3000);
  }

  private answers(): boolean {
    return this.manner !== "hangs" && this.manner !== "gone" && this.manner !== "dead";
  }

  private answer(connection: ManagementConnection): void {
    const { world } = this.parts;
    const { random } = world;
    const say = (text: string, ms = 0) => connection.say(text, ms);
    switch (this.manner) {
      case "closes":
        say("health: up\n");
        world.after(this.parts.latencyMs + this.closesAfterMs(), () => {
          // One that has another manner by now keeps what it has.
          if (this.manner !== "lives" && this.manner !== "talks") connection.ended(undefined);
        });
        break;
      case "talks":
        say("Welcome\nhealth: up and running\n");
        if (random.chance(0.5)) say("what else?\n", random.between(0, 5));
        break;
      case "down":
        say("health: down\n");
        break;
      case "garbage":
        say(random.pick(["wibble\n", "\0\0\0\n", "UP\n", "HTTP/1.1 400 Bad Request\r\n\r\n"]));
        break;
      case "half":
        say("health: ");
        break;
      case "long":
        for (let i = 0; i < 6; i++) say("x".repeat(1000), i * 0.1);
        break;
      case "resets":
        connection.ended(resetOrEnd(world));
        break;
      case "late":
        say("health: up\n", random.between(5500, 9000));
        break;
      case "sluggish":
        say("health: up\n", random.between(50, 900));
        break;
      default:
        if (random.chance(0.1)) {
          say("heal");
          say("th: u", 0.3);
          say("p\r\n", 0.6);
        } else say("health: up\n");
    }
  }
}

function resetOrEnd(world: World): string | undefined {
  return world.random.chance(0.5) ? "ECONNRESET" : undefined;
}
