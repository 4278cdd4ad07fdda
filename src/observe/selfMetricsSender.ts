/**
 * Sends the proxy's own metrics: by the same routes and links as all others, but in batches and counters of their own,
 * so that what is said of the lines that arrived stays exact.
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
  /** Those of the proxy: `linesSelf` and `linesSelfDropped` are kept here. */
  readonly counters: Counters;
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
  /** Of all nodes. */
  private readonly sent = new NodeCounters();
  private readonly relay: Relay;
  private settings: SelfMetricsSettings | undefined;
  private lanes: readonly Lane[] = [];
  private timer: Timer | undefined;

  constructor(parts: SelfMetricsParts) {
    this.parts = parts;
    this.relay = new Relay({ lines: this.lines, locator: undefined, nodes: [], counters: this.own });
  }

  /** Goes on with other settings; undefined: sends nothing from now on. */
  use(settings: SelfMetricsSettings | undefined): void {
    const before = this.settings;
    const { locator, nodes = [], datagramBytesMax = 0 } = settings ?? {};
    this.settings = settings;
    // What waits of the last time is hardly ever there, and of no more use beside what comes next.
    this.drop();
    this.lanes = nodes.map((node) => new Lane(node, datagramBytesMax, this.sent));
    this.relay.use({ lines: this.lines, locator, nodes: this.lanes });
    if (settings?.interval === before?.interval) return;
    this.close();
    if (settings) this.timer = this.parts.clock.setInterval(() => this.send(), settings.interval);
  }

  /** Sends what there is to say now. */
  send(): void {
    if (this.settings === undefined) return;
    const bytes = Buffer.from(this.metrics.lines(this.settings.prefix, this.parts.view()).join("\n"));
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
    for (const { batch } of this.lanes) dropAll(batch, this.sent);
    this.count();
  }

  private count(): void {
    const { counters } = this.parts;
    counters.linesSelf = this.sent.linesRelayed;
    counters.linesSelfDropped = allDropped(this.own) + allDropped(this.sent);
  }
}

/** A node's link, with a batch and counters beside those of the lines that arrived. */
class Lane implements RelayNode {
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
