/** The network as the proxy is given it. */
import { isIP } from "node:net";
import type { NameQuery, NameService } from "../../src/net/nameService.ts";
import type { Network, TcpListenerParts, UdpConnectionParts, UdpListenerParts } from "../../src/net/network.ts";
import { BackendSocket, errorOf } from "./backendSocket.ts";
import type { EventLoop } from "./eventLoop.ts";
import type { Host } from "./hosts.ts";
import type { Machine } from "./machine.ts";
import { ManagementConnection } from "./managementConnection.ts";
import { MetricsSocket } from "./metricsSocket.ts";
import { OperatorPort } from "./operatorSocket.ts";

export class SimulatedNetwork implements Network {
  readonly repeatsAnswers: boolean;
  readonly nameService: NameService = {
    files: () => ({ resolvConf: "nameserver 10.0.0.53", hosts: "" }),
    query: () => this.query(),
    askSystem: (host) => this.resolve(host).then((address) => [address]),
  };
  /** What names mean; undefined: nothing. */
  readonly names = new Map<string, string | undefined>();
  unknownNames = 0;
  readonly operatorPorts = new Set<OperatorPort<unknown>>();
  readonly metricsSockets = new Set<MetricsSocket>();
  readonly machine: Machine;
  private readonly loop: EventLoop;
  private readonly hosts: ReadonlyMap<string, Host>;

  constructor(machine: Machine, loop: EventLoop, hosts: ReadonlyMap<string, Host>) {
    this.machine = machine;
    this.loop = loop;
    this.hosts = hosts;
    this.repeatsAnswers = machine.habits.repeatsAnswers;
  }

  resolve(host: string): Promise<string> {
    if (isIP(host) !== 0) return Promise.resolve(host);
    const { random } = this.machine.world;
    const ms = random.between(0, this.machine.habits.resolveMsMax);
    return this.later(ms, () => {
      const address = this.names.get(host);
      if (address === undefined) throw errorOf(random.pick(["ENOTFOUND", "EAI_AGAIN"]));
      return address;
    });
  }

  /** A question to the name server, which takes its time and may fail; IPv4 is all it knows. */
  private query(): NameQuery {
    const { random } = this.machine.world;
    return {
      addresses: (name, family) => {
        const ms = random.between(0, this.machine.habits.resolveMsMax);
        const error = random.pick([undefined, "ESERVFAIL", "ETIMEOUT"]);
        return this.later(ms, () => {
          const address = this.names.get(name);
          if (address === undefined && error !== undefined) throw errorOf(error);
          return family === 6 || address === undefined ? [] : [address];
        });
      },
      cancel: () => {},
    };
  }

  /** From now on a name means something else; undefined: nothing. */
  name(name: string, address: string | undefined): void {
    if (this.names.has(name) && this.names.get(name) === undefined) this.unknownNames--;
    if (address === undefined) this.unknownNames++;
    this.names.set(name, address);
  }

  ownAddresses(): readonly string[] {
    return ["127.0.0.1/8", "10.0.0.1/16"];
  }

  listenUdp(parts: UdpListenerParts): Promise<MetricsSocket> {
    return this.opening(() => {
      this.bind("udp", parts.port, parts.reusePort);
      const socket = new MetricsSocket(this.machine, this.loop, parts);
      this.machine.ledger.sockets.push(socket);
      this.metricsSockets.add(socket);
      return socket;
    });
  }

  connectUdp(parts: UdpConnectionParts): Promise<BackendSocket> {
    return this.opening(() => {
      const { machine } = this;
      const host = this.hosts.get(parts.host);
      if (!machine.hasRoute || host === undefined) throw errorOf("ENETUNREACH");
      if (!machine.open()) throw errorOf("EMFILE");
      return new BackendSocket(machine, this.loop, host, parts);
    });
  }

  connectTcp(parts: Parameters<Network["connectTcp"]>[0]): ManagementConnection {
    return new ManagementConnection(this.machine, this.loop, this.hosts.get(parts.host), parts);
  }

  listenTcp<Data>(parts: TcpListenerParts<Data>): OperatorPort<Data> {
    this.bind("tcp", parts.port);
    const listener = new OperatorPort(this.machine, this.loop, parts);
    this.operatorPorts.add(listener as OperatorPort<unknown>);
    return listener;
  }

  /** Who gets what is sent to a port: one that listens at the very address before one that listens at all. */
  metricsSocketAt(port: number): MetricsSocket | undefined {
    let found: MetricsSocket | undefined;
    for (const socket of this.metricsSockets) {
      if (socket.isClosed) this.metricsSockets.delete(socket);
      else if (socket.port === port && socket.takes && found?.host !== "127.0.0.1") found = socket;
    }
    return found;
  }

  operatorPortAt(port: number): OperatorPort<unknown> | undefined {
    for (const listener of this.operatorPorts) {
      if (listener.isClosed) this.operatorPorts.delete(listener);
      else if (listener.port === port) return listener;
    }
    return undefined;
  }

  /** Takes the port and a descriptor. */
  private bind(kind: "udp" | "tcp", port: number, isShared = false): void {
    const isOurs =
      kind === "tcp"
        ? this.operatorPortAt(port) !== undefined
        : [...this.metricsSockets].some((other) => {
            return !other.isClosed && other.port === port && !(isShared && other.isShared);
          });
    if (isOurs || this.machine.taken.has(`${kind} ${port}`)) throw errorOf("EADDRINUSE");
    if (!this.machine.open()) throw errorOf("EMFILE");
  }

  private opening<T>(open: () => T): Promise<T> {
    const { machine } = this;
    machine.openings++;
    return this.later(machine.world.random.between(0, machine.habits.openMsMax), () => {
      machine.openings--;
      machine.openingEndedMs = machine.world.awakeMs;
      try {
        return open();
      } catch (error) {
        machine.openFailedAtMs = machine.world.nowMs;
        throw error;
      }
    });
  }

  /** Keeps a promise, or breaks it, when the event loop comes round after so long. */
  private later<T>(ms: number, make: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.machine.world.after(ms, () => {
        const socket = {
          isQueued: false,
          dispatch: () => {
            try {
              resolve(make());
            } catch (error) {
              reject(error as Error);
            }
          },
        };
        this.loop.wake(socket);
      });
    });
  }
}
