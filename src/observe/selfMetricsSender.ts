/**
 * Sends the proxy's own metrics: by the same routes and links as all others, but in batches and counters of their own,
 * so that what is said of the lines that arrived stays exact.
 */

import { dropAll, type Link } from "../net/link.ts";
import type { Locator } from "../placement/locator.ts";
import { Lines } from "../protocol/line.ts";
import { Batch } from "../relay/batch.ts";
import { Counters, NodeCounters } from "../relay/counters.ts";
import { Relay, type RelayNode } from "../relay/relay.ts";
import { sum } from "../relay/sum.ts";
import type { View } from "./figures.ts";
import { SelfMetrics } from "./selfMetrics.ts";

/** What the proxy's own metrics need of a node. */
interface SelfMetricsNode {
  readonly label: string;
  readonly isUp: boolean;
  readonly link: Pick<Link, "flush">;
}

export interface SelfMetricsParts {
  readonly prefix: string;
  readonly intervalMs: number;
  readonly datagramBytesMax: number;
  readonly locator: Locator | undefined;
  readonly nodes: readonly SelfMetricsNode[];
  readonly view: () => View;
  /** Those of the proxy: `linesSelf` and `linesSelfDropped` are kept here. */
  readonly counters: Counters;
}

export class SelfMetricsSender {
  private readonly parts: SelfMetricsParts;
  private readonly metrics: SelfMetrics;
  private readonly own = new Counters();
  private readonly lanes: readonly Lane[];
  private readonly relay: Relay;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(parts: SelfMetricsParts) {
    const { nodes, locator, datagramBytesMax } = parts;
    this.parts = parts;
    this.metrics = new SelfMetrics(parts.prefix);
    this.lanes = nodes.map((node) => new Lane(node, datagramBytesMax));
    this.relay = new Relay({ lines: new Lines(["c", "g"], 0), locator, nodes: this.lanes, counters: this.own });
    this.timer = setInterval(() => this.send(), parts.intervalMs);
  }

  /** Sends what there is to say now. */
  send(): void {
    const bytes = Buffer.from(this.metrics.lines(this.parts.view()).join("\n"));
    this.relay.datagram(bytes, 0, bytes.length);
    this.flush();
  }

  /** Sends what waits: what a link did not take. */
  flush(): void {
    this.relay.flush();
    this.count();
  }

  /** Sends the last, and no more. What no link takes any more is dropped, and counted. */
  finish(): void {
    clearInterval(this.timer);
    this.send();
    for (const { batch, counters } of this.lanes) dropAll(batch, counters);
    this.count();
  }

  private count(): void {
    const { counters } = this.parts;
    const dropped = this.lanes.flatMap((lane) => Object.values(lane.counters.linesDropped));
    counters.linesSelf = sum(this.lanes.map((lane) => lane.counters.linesRelayed));
    counters.linesSelfDropped = this.own.linesUnowned + sum(dropped);
  }
}

/** A node's link, with a batch and counters beside those of the lines that arrived. */
class Lane implements RelayNode {
  readonly label: string;
  readonly batch: Batch;
  readonly counters = new NodeCounters();
  private readonly node: SelfMetricsNode;

  constructor(node: SelfMetricsNode, datagramBytesMax: number) {
    this.label = node.label;
    this.node = node;
    this.batch = new Batch(datagramBytesMax);
  }

  get isUp(): boolean {
    return this.node.isUp;
  }

  send(): void {
    this.node.link.flush(this.batch, this.counters);
  }
}
