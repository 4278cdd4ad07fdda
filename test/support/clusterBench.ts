/** A cluster on a fake network and a manual clock. */
import { onTestFinished } from "bun:test";
import { type Config, readConfig } from "../../src/config/config.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import { Cluster } from "../../src/engine/cluster.ts";
import { Opening } from "../../src/engine/opening.ts";
import type { Platform } from "../../src/engine/platform.ts";
import { type Violation, violations } from "../../src/observe/invariants.ts";
import { Counters } from "../../src/relay/counters.ts";
import { ManualClock } from "./clocks.ts";
import { FakeNetwork, type FakeTcp, type FakeUdp } from "./fakeNetwork.ts";
import { KeptLog } from "./logs.ts";

export type Settings = Readonly<Record<string, unknown>>;

const HOST = "127.0.0.1";

/** Nodes at these ports; their management ports are a hundred higher. */
export function nodesOf(ports: readonly number[]) {
  return ports.map((port) => ({ host: HOST, port, managementport: port + 100 }));
}

export function configOf(settings: Settings): Config {
  const { config, errors } = readConfig(JSON.stringify({ maxDatagramBytes: 0, ...settings }));
  if (config === undefined) throw new Error(JSON.stringify(errors));
  return config;
}

export class ClusterBench {
  readonly clock = new ManualClock();
  readonly network = new FakeNetwork();
  readonly counters = new Counters();
  readonly log = new KeptLog();
  readonly cluster: Cluster;
  readonly platform: Platform;
  /** How often the cluster asked to be prepared again. */
  namesChanged = 0;

  constructor() {
    this.platform = { ...bunPlatform, clock: this.clock, network: this.network };
    this.cluster = new Cluster({
      platform: this.platform,
      counters: this.counters,
      log: this.log,
      onNamesChanged: () => void this.namesChanged++,
      view: () => {
        throw new Error("there are no metrics of its own");
      },
      onFailure: (error) => {
        throw error;
      },
    });
    onTestFinished(() => this.cluster.close());
  }

  static async open(settings: Settings): Promise<ClusterBench> {
    const bench = new ClusterBench();
    const problems = await bench.change(settings);
    if (problems.length > 0) throw new Error(problems.join(", "));
    return bench;
  }

  /** Returns where the problems are, if any. */
  async change(settings: Settings): Promise<string[]> {
    return await this.use(configOf(settings));
  }

  /** The same; with the configuration in force it is what names mean that may have changed. */
  async use(config: Config): Promise<string[]> {
    const opening = new Opening(this.network);
    await this.clock.until(this.cluster.prepare(config, opening));
    if (opening.problems.length > 0) opening.abandon();
    else opening.commit();
    return opening.problems.map(({ at }) => at);
  }

  /** A datagram with these lines arrives. */
  receive(...lines: readonly string[]): void {
    const bytes = Buffer.from(lines.join("\n"));
    this.cluster.relay.datagram(bytes, 0, bytes.length);
  }

  /** The same, and the turn ends. */
  relay(...lines: readonly string[]): void {
    this.receive(...lines);
    this.cluster.relay.flush();
  }

  /** The latest socket to a port. */
  socket(port: number): FakeUdp {
    return found(this.network.udp.findLast((socket) => socket.parts.port === port));
  }

  /** The latest connection to a management port. */
  check(port: number): FakeTcp {
    return found(this.network.tcp.findLast((connection) => connection.parts.port === port));
  }

  /** How many checks a management port got: requests, and connections that have not sent one yet. */
  checksOf(port: number): number {
    const connections = this.network.tcp.filter((connection) => connection.parts.port === port);
    return connections.reduce((sum, { questions }) => sum + Math.max(1, questions.length), 0);
  }

  /** Sums that do not add up. */
  violations(): Violation[] {
    const { counters, cluster } = this;
    return violations({ counters, nodes: cluster.views(), retired: cluster.retired() });
  }
}

function found<T>(one: T | undefined): T {
  if (one === undefined) throw new Error("there is none");
  return one;
}
