/** What goes wrong: backends, the ways to them, the machine, and the program itself. All of it heals in the end. */
import { hostName, NODES_MAX, namedAddress } from "./addresses.ts";
import { CONSOLE_PORTS, METRICS_PORTS } from "./configurations.ts";
import type { EventLoop } from "./eventLoop.ts";
import type { HealthOracle } from "./healthOracle.ts";
import { type Host, MANNERS, verdictOf, WELL_MANNERS } from "./hosts.ts";
import type { Machine } from "./machine.ts";
import type { Operators } from "./operators.ts";
import type { SimulatedNetwork } from "./simulatedNetwork.ts";
import type { World } from "./world.ts";

export const MISHAPS = [
  ...(["death", "closed port", "manner", "flapping", "move", "full", "send errors", "small MTU"] as const),
  ...(["stall", "route", "new address", "descriptors", "names", "taken port", "error of the program"] as const),
] as const;
export type Mishap = (typeof MISHAPS)[number];

export interface MishapsParts {
  readonly world: World;
  readonly loop: EventLoop;
  readonly machine: Machine;
  readonly network: SimulatedNetwork;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly health: HealthOracle;
  readonly operators: Operators;
  /** Has the program throw when it handles the next line. */
  readonly throwNext: () => void;
  /** Those that may happen. */
  readonly kinds: readonly Mishap[];
  /** Between one and the next, on average. */
  readonly everyMs: number;
}

export class Mishaps {
  private readonly parts: MishapsParts;
  private isOver = false;
  /** Hosts that are configured, more or less. */
  private readonly all: readonly Host[];

  constructor(parts: MishapsParts) {
    this.parts = parts;
    this.all = [...parts.hosts.values()];
  }

  begin(): void {
    const { world, everyMs, kinds } = this.parts;
    if (kinds.length === 0) return;
    const next = () => {
      if (this.isOver) return;
      this.happen(world.random.pick(kinds));
      world.after(world.random.between(0, 2 * everyMs), next);
    };
    world.after(world.random.between(0, 2 * everyMs), next);
  }

  /** While metrics come all the time, a node refuses them all the time. */
  deathInTheRiver(): void {
    const { world } = this.parts;
    world.after(world.random.between(50, 600), () => {
      if (this.isOver) return;
      const host = this.someHost();
      world.fault("death in the river", host.parts.address);
      host.become("dead");
      this.healLater(host, world.random.between(600, 3000));
    });
  }

  /** Everything is in order again, and stays so. */
  end(): void {
    const { machine, health } = this.parts;
    this.isOver = true;
    machine.troubledAtMs = this.parts.world.nowMs;
    for (const host of this.all) this.heal(host);
    machine.isOutOfDescriptors = false;
    machine.hasRoute = true;
    machine.taken.clear();
    this.nameAll();
    health.networkDisturbed();
  }

  /** The way to a host takes nothing any more, and then little. */
  fillUp(address: string): void {
    const { world, hosts } = this.parts;
    const host = hosts.get(address);
    if (host === undefined || this.isOver) return;
    world.fault("full socket", address);
    host.room = 0;
    this.fill(host, world.random.magnitude(500, 9000));
  }

  /** Names mean what they did last, or one of the addresses. */
  nameAll(): void {
    const { network, world } = this.parts;
    for (let node = 0; node < NODES_MAX; node++) {
      if (network.names.get(hostName(node)) !== undefined) continue;
      network.name(hostName(node), namedAddress(node, world.random.below(2)));
    }
  }

  private happen(kind: Mishap): void {
    const { world, loop, machine, network, health, operators, throwNext } = this.parts;
    const { random } = world;
    const host = this.someHost();
    const { address } = host.parts;
    machine.troubledAtMs = world.nowMs;
    switch (kind) {
      case "death":
        world.fault("death", address);
        host.become("dead");
        this.healLater(host, random.magnitude(50, 8000));
        break;
      case "closed port":
        world.fault("closed port", address);
        host.become("noUdp");
        this.healLater(host, random.magnitude(50, 8000));
        break;
      case "manner": {
        const manner = random.pick(MANNERS);
        world.fault(`node ${manner}`, address);
        host.become(manner);
        this.healLater(host, random.magnitude(50, 12_000));
        break;
      }
      case "flapping":
        world.fault("flapping", address);
        this.flap(host, random.between(5, 400), 2 + random.below(12));
        break;
      case "move": {
        const node = random.below(NODES_MAX);
        const before = network.names.get(hostName(node));
        const place = before === namedAddress(node, 0) ? 1 : 0;
        // Who moves may have had no room any more for what was sent to it.
        if (before !== undefined && random.chance(0.3)) this.fillUp(before);
        world.fault("move", hostName(node));
        network.name(hostName(node), namedAddress(node, place));
        break;
      }
      case "full":
        world.fault("full socket", address);
        this.fill(host, random.magnitude(5, 9000));
        break;
      case "send errors":
        host.sendErrno = random.pick(["EPERM", "ENOBUFS", "ENETUNREACH", "EACCES"]);
        world.fault(`send ${host.sendErrno}`, address);
        world.after(random.magnitude(5, 4000), () => {
          host.sendErrno = undefined;
        });
        break;
      case "small MTU":
        world.fault("small MTU", address);
        host.datagramBytesMax = random.pick([300, 1000, 8000]);
        world.after(random.magnitude(100, 4000), () => {
          host.datagramBytesMax = 65507;
        });
        break;
      case "stall": {
        const ms = random.magnitude(5, 7000);
        world.fault("stall", ms);
        loop.stall(ms);
        break;
      }
      case "route":
        world.fault("no route");
        this.setRoute(false);
        world.after(random.magnitude(5, 5000), () => {
          if (random.chance(0.5)) machine.address++;
          this.setRoute(true);
        });
        break;
      case "new address":
        world.fault("new address");
        machine.address++;
        for (const connection of machine.management) connection.isLost = true;
        health.networkDisturbed();
        break;
      case "descriptors":
        world.fault("no descriptor");
        machine.isOutOfDescriptors = true;
        health.descriptorsDisturbed();
        operators.excuse();
        world.after(random.magnitude(20, 3000), () => {
          machine.troubledAtMs = world.nowMs;
          machine.isOutOfDescriptors = false;
          health.descriptorsDisturbed();
          operators.excuse();
        });
        break;
      case "names": {
        const name = hostName(random.below(NODES_MAX));
        const means = network.names.get(name);
        world.fault("name unknown", name);
        network.name(name, undefined);
        world.after(random.magnitude(100, 5000), () => {
          machine.troubledAtMs = world.nowMs;
          if (network.names.get(name) === undefined) network.name(name, means);
        });
        break;
      }
      case "taken port": {
        const port = random.chance(0.6) ? `udp ${random.pick(METRICS_PORTS)}` : `tcp ${random.pick(CONSOLE_PORTS)}`;
        world.fault("taken port", port);
        machine.taken.add(port);
        world.after(random.magnitude(100, 5000), () => {
          machine.troubledAtMs = world.nowMs;
          machine.taken.delete(port);
        });
        break;
      }
      case "error of the program":
        world.fault("error of the program");
        throwNext();
        break;
    }
  }

  private setRoute(hasRoute: boolean): void {
    const { machine, health } = this.parts;
    machine.hasRoute = hasRoute;
    machine.troubledAtMs = this.parts.world.nowMs;
    for (const connection of machine.management) connection.isLost = true;
    health.networkDisturbed();
  }

  private someHost(): Host {
    const { random } = this.parts.world;
    const used = this.all.filter(({ sockets }) => sockets.size > 0);
    return random.pick(used.length > 0 && random.chance(0.9) ? used : this.all);
  }

  private healLater(host: Host, ms: number): void {
    const { world } = this.parts;
    world.after(ms, () => {
      if (verdictOf(host.manner) !== "healthy" || host.manner === "noUdp") host.become(world.random.pick(WELL_MANNERS));
    });
  }

  private flap(host: Host, everyMs: number, times: number): void {
    const { world } = this.parts;
    if (this.isOver) return;
    if (times === 0) {
      host.become("lives");
      return;
    }
    host.become(times % 2 === 0 ? "dead" : "lives");
    world.after(world.random.between(0, 2 * everyMs), () => this.flap(host, everyMs, times - 1));
  }

  /** The way to a host takes nothing, but for a few datagrams now and then. */
  private fill(host: Host, ms: number): void {
    const { world } = this.parts;
    const untilMs = world.nowMs + ms;
    host.room = Math.min(host.room, world.random.below(4));
    const more = () => {
      if (this.isOver || world.nowMs >= untilMs) host.room = Number.POSITIVE_INFINITY;
      else {
        host.room += world.random.below(4);
        world.after(world.random.magnitude(1, ms), more);
      }
      if (host.room > 0) for (const socket of host.sockets) socket.hasRoom();
    };
    world.after(world.random.between(0, ms), more);
  }

  private heal(host: Host): void {
    host.become("lives");
    host.sendErrno = undefined;
    host.datagramBytesMax = 65507;
    host.room = Number.POSITIVE_INFINITY;
    for (const socket of host.sockets) socket.hasRoom();
  }
}
