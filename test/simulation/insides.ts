// biome-ignore-all lint/complexity/useLiteralKeys: what is private is reached in no other way
/**
 * What the simulation sees of the proxy's insides. It does not ask for a view: to ask makes rings, and so hides what
 * happens while nobody asks.
 */
import type { Config } from "../../src/config/config.ts";
import type { StatsdProxy } from "../../src/proxy/proxy.ts";
import type { Counters, NodeCounters } from "../../src/relay/counters.ts";

export type Node = StatsdProxy["engine"]["cluster"]["nodes"][number];

export class Insides {
  readonly counters: Counters;
  private readonly engine: StatsdProxy["engine"];

  constructor(proxy: StatsdProxy) {
    this.engine = proxy["engine"];
    this.counters = this.engine.counters;
  }

  /** In force. */
  get config(): Config {
    return this.engine.config;
  }

  /** The longest sleep. There are never more than 20 nodes. */
  get gatherMs(): number {
    return this.config.gather ?? 20;
  }

  get nodes(): readonly Node[] {
    return this.engine.cluster["nodes"];
  }

  get retired(): { readonly counters: NodeCounters; readonly linesPending: number } {
    return this.engine.cluster.retired();
  }

  /** Those that have gone, and have something to send. */
  get draining(): ReadonlyMap<Node, unknown> {
    return this.engine.cluster["retiredNodes"]["draining"];
  }

  /** All that were measured. */
  get delays(): { readonly count: number; readonly sumMs: number } {
    const histogram = this.engine["delays"]["histogram"];
    return { count: histogram["count"], sumMs: histogram["sumMs"] };
  }

  /** Sources that have been replaced, and are still read. */
  get sourcesDraining(): number {
    return this.engine["draining"].size;
  }

  /** At all sockets; undefined: it cannot be asked. */
  get kernelDrops(): number | undefined {
    return this.engine["kernelDrops"]();
  }
}

export function settingsOf(node: Node): Node["settings"] {
  return node["settings"];
}
