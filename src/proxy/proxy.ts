/** The whole proxy: the engine that relays, plus the console and HTTP for operators. */
import type { Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import { Engine } from "../engine/engine.ts";
import { Opening } from "../engine/opening.ts";
import type { Platform } from "../engine/platform.ts";
import type { Log } from "../log/log.ts";
import type { View } from "../observe/view.ts";
import { divideDescriptors } from "../system/descriptors.ts";
import { hostPort } from "../text/hostPort.ts";
import { Operators } from "./operators.ts";

export interface ProxyParts {
  readonly platform: Platform;
  readonly log: Log;
  /** Says what becomes of each line. */
  readonly debugMode: boolean;
}

export class StatsdProxy {
  private readonly parts: ProxyParts;
  private readonly engine: Engine;
  private readonly operators: Operators;
  /** Serializes changes. */
  private lastChange: Promise<unknown> = Promise.resolve();

  private constructor(config: Config, parts: ProxyParts) {
    this.parts = parts;
    this.engine = new Engine({ ...parts, config });
    this.operators = new Operators({ engine: this.engine, platform: parts.platform });
  }

  /** Starts a proxy; or returns every problem that prevents it, with nothing left open. */
  static async start(config: Config, parts: ProxyParts): Promise<StatsdProxy | readonly Problem[]> {
    const proxy = new StatsdProxy(config, parts);
    const problems = await proxy.change(config);
    if (problems.length > 0) {
      proxy.close();
      return problems;
    }
    parts.log.info("listening", proxy.addresses(config));
    return proxy;
  }

  /** The port that was bound. */
  get port(): number {
    return this.engine.source?.port ?? 0;
  }

  /** The port that was bound. */
  get consolePort(): number {
    return this.operators.consolePort ?? 0;
  }

  /**
   * Switches to another configuration, between two datagrams and without losing one: what is in both stays open. Or
   * changes nothing, and returns every problem.
   */
  async change(next: Config): Promise<readonly Problem[]> {
    const change = this.lastChange.then(() => this.changeNow(next));
    this.lastChange = change.catch(() => {});
    return await change;
  }

  view(): View {
    return this.engine.view();
  }

  /** Handles an exception that nothing else caught. */
  failed(error: Error): void {
    this.engine.failed(error);
  }

  /** Stops receiving, sends what is pending, and closes everything. */
  async stop(): Promise<void> {
    await this.engine.finish();
    this.close();
  }

  private async changeNow(next: Config): Promise<readonly Problem[]> {
    const { platform } = this.parts;
    const room = descriptorRoom(next, platform);
    if ("message" in room) return [room];
    const opening = new Opening(platform.network);
    await this.engine.prepare(next, opening);
    await this.operators.prepare(next, room.connectionsMax, opening);
    if (opening.problems.length > 0) opening.abandon();
    else opening.commit();
    return opening.problems;
  }

  private addresses({ host, managementhost, httphost, nodes, mirror, ring }: Config) {
    const { consolePort, httpPort } = this.operators;
    return {
      metrics: hostPort(host, this.port),
      console: hostPort(managementhost, consolePort ?? 0),
      ...(httpPort !== undefined && { http: hostPort(httphost, httpPort) }),
      nodes: nodes.length,
      ring: mirror ? "mirror" : ring,
    };
  }

  private close(): void {
    this.operators.close();
    this.engine.close();
  }
}

/** How many connections are possible; or why none are, and what would help. */
function descriptorRoom(
  { nodes, httpport }: Config,
  { descriptorLimit }: Platform,
): { connectionsMax: number } | Problem {
  const limit = descriptorLimit();
  const room = divideDescriptors(limit, nodes.length, httpport === 0 ? 1 : 2);
  if ("connectionsMax" in room) return room;
  const { needed } = room;
  const raise = `raise it with ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit`;
  return {
    at: "nodes",
    message: `a proxy with ${nodes.length} nodes needs ${needed} open files, but the limit is ${limit}: ${raise}`,
  };
}
