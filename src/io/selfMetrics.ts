/**
 * Sends the proxy's own metrics: by the same routes and links as all others, but in batches and counters of their own,
 * so that what is said of the lines that arrived stays exact.
 */
import { Batch } from "../core/batch.ts";
import { Counters } from "../core/counters.ts";
import { Lines } from "../core/line.ts";
import type { Locator } from "../core/locator.ts";
import { Relay } from "../core/relay.ts";
import { SelfMetrics } from "../core/selfMetrics.ts";
import type { View } from "../core/stats.ts";
import { sum } from "../core/sum.ts";
import { dropAll, type Link } from "./link.ts";

export interface SelfMetricsParts {
  readonly prefix: string;
  readonly intervalMs: number;
  readonly maxDatagramBytes: number;
  readonly locator: Locator | undefined;
  /** Of each node. */
  readonly links: readonly Pick<Link, "flush">[];
  readonly isUp: (node: number) => boolean;
  readonly view: () => View;
  /** Those of the proxy: `linesSelf` and `linesSelfDropped` are kept here. */
  readonly counters: Counters;
}

export class SelfMetricsSender {
  private readonly parts: SelfMetricsParts;
  private readonly metrics: SelfMetrics;
  private readonly own: Counters;
  private readonly batches: readonly Batch[];
  private readonly relay: Relay;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(parts: SelfMetricsParts) {
    const { links, locator, maxDatagramBytes } = parts;
    this.parts = parts;
    this.metrics = new SelfMetrics(parts.prefix);
    const own = new Counters(links.length);
    const batches = links.map(() => new Batch(maxDatagramBytes));
    this.own = own;
    this.batches = batches;
    this.relay = new Relay({
      lines: new Lines(["c", "g"], 0),
      locator,
      batches,
      counters: own,
      send: (node) => links[node].flush(batches[node], own.nodes[node]),
    });
    this.timer = setInterval(() => this.send(), parts.intervalMs);
  }

  /** Sends what there is to say now. */
  send(): void {
    const { links, isUp, view } = this.parts;
    for (let node = 0; node < links.length; node++) this.relay.setUp(node, isUp(node));
    const bytes = Buffer.from(this.metrics.lines(view()).join("\n"));
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
    this.batches.forEach((batch, node) => {
      dropAll(batch, this.own.nodes[node]);
    });
    this.count();
  }

  private count(): void {
    const { counters } = this.parts;
    const dropped = this.own.nodes.flatMap(({ linesDropped }) => Object.values(linesDropped));
    counters.linesSelf = sum(this.own.nodes.map(({ linesRelayed }) => linesRelayed));
    counters.linesSelfDropped = this.own.linesUnowned + sum(dropped);
  }
}
