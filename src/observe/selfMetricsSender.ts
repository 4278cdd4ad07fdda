/**
 * Sends the proxy's own metrics: over the same routes and links as all others, but with separate batches and counters,
 * so that the counters of received lines stay exact.
 */
import { dropAll, type Link } from "../net/link.ts";
import type { Locator } from "../placement/locator.ts";
import { Lines } from "../protocol/line.ts";
import { Batch } from "../relay/batch.ts";
import { allDropped, Counters, NodeCounters } from "../relay/counters.ts";
import { Relay, type RelayNode } from "../relay/relay.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { SelfMetrics } from "./selfMetrics.ts";
import type { View } from "./view.ts";

/** What the proxy's own metrics need of a node. */
interface SelfMetricsNode extends Pick<Link, "flush"> {
  readonly label: string;
  readonly isUp: boolean;
}

export interface SelfMetricsParts {
  readonly clock: Pick<Clock, "setInterval" | "cancel">;
  readonly view: () => View;
  /** The proxy's counters: `linesSelf` and `linesSelfDropped` are kept here. */
  readonly counters: Counters;
  /** A bug showed up. */
  readonly onFailure: (error: Error) => void;
}

export interface SelfMetricsSettings {
  readonly prefix: string;
  /** Milliseconds. */
  readonly interval: number;
  readonly datagramBytesMax: number;
  readonly locator: Locator | undefined;
  readonly nodes: readonly SelfMetricsNode[];
}

export class SelfMetricsSender {
  private readonly parts: SelfMetricsParts;
  private readonly metrics = new SelfMetrics();
  private readonly lines = new Lines(["c", "g"], 0);
  private readonly own = new Counters();
  /** All nodes together. */
  private readonly sent = new NodeCounters();
  private readonly relay: Relay;
  private settings: SelfMetricsSettings | undefined;
  private senders: readonly NodeSender[] = [];
  private timer: Timer | undefined;

  constructor(parts: SelfMetricsParts) {
    this.parts = parts;
    const { onFailure } = parts;
    this.relay = new Relay({ lines: this.lines, locator: undefined, nodes: [], counters: this.own, onFailure });
  }

  /**
   * Applies other settings; undefined: stops sending.
   * @param isStart the proxy starts: the first report is what it has counted since. Turned on later, what it had counted
   * by then is no growth
   */
  use(settings: SelfMetricsSettings | undefined, isStart: boolean): void {
    const before = this.settings;
    if (settings && before === undefined && !isStart) this.metrics.lines(settings.prefix, this.parts.view());
    const { locator, nodes = [], datagramBytesMax = 0 } = settings ?? {};
    this.settings = settings;
    // Something pending from the last report is rare, and of little use beside the next.
    this.drop();
    const replaced = this.senders;
    this.senders = nodes.map((node) => new NodeSender(node, datagramBytesMax, this.sent));
    this.relay.use({ lines: this.lines, locator, nodes: this.senders });
    for (const { batch } of replaced) batch.release();
    if (settings?.interval === before?.interval) return;
    this.close();
    if (settings) this.timer = this.parts.clock.setInterval(() => this.send(), settings.interval);
  }

  /** Sends a report now. */
  send(): void {
    if (this.settings === undefined) return;
    const bytes = Buffer.from(this.metrics.lines(this.settings.prefix, this.parts.view()).join("\n"));
    this.relay.datagram(bytes, 0, bytes.length);
    this.flush();
  }

  /** Sends what is pending, because a link did not take it. */
  flush(): void {
    this.relay.flush();
    this.count();
  }

  /** Sends a last report. What no link takes is dropped and counted. */
  finish(): void {
    this.close();
    this.send();
    this.drop();
    this.settings = undefined;
  }

  close(): void {
    this.parts.clock.cancel(this.timer);
    this.timer = undefined;
  }

  private drop(): void {
    for (const { batch } of this.senders) dropAll(batch, this.sent);
    this.count();
  }

  private count(): void {
    const { counters } = this.parts;
    counters.linesSelf = this.sent.linesRelayed;
    counters.linesSelfDropped = allDropped(this.own) + allDropped(this.sent);
  }
}

/** A node's link, with a batch and counters separate from those of received lines. */
class NodeSender implements RelayNode {
  readonly label: string;
  readonly batch: Batch;
  readonly counters: NodeCounters;
  private readonly node: SelfMetricsNode;

  constructor(node: SelfMetricsNode, datagramBytesMax: number, counters: NodeCounters) {
    this.label = node.label;
    this.node = node;
    this.batch = new Batch(datagramBytesMax);
    this.counters = counters;
  }

  get isUp(): boolean {
    return this.node.isUp;
  }

  send(): void {
    this.node.flush(this.batch, this.counters);
  }
}
