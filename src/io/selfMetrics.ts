/**
 * Sends the proxy's own metrics: by the same routes and sockets as all others, but in batches and counters of their
 * own, so that what is said of the lines that arrived stays exact.
 */
import { Batch } from "../core/batch.ts";
import { Counters } from "../core/counters.ts";
import { Lines } from "../core/line.ts";
import { Relay } from "../core/relay.ts";
import type { Router } from "../core/router.ts";
import { SelfMetrics } from "../core/selfMetrics.ts";
import type { View } from "../core/stats.ts";
import { sum } from "../core/sum.ts";
import { type NodeSocket, Sender } from "./sender.ts";

export interface SelfMetricsParts {
  readonly prefix: string;
  readonly intervalMs: number;
  readonly maxDatagramBytes: number;
  readonly router: Router | undefined;
  /** Of each node. */
  readonly sockets: readonly Pick<NodeSocket, "send" | "sendMany">[];
  readonly isUp: (node: number) => boolean;
  readonly view: () => View;
  /** Those of the proxy: `linesSelf` and `linesSelfDropped` are kept here. */
  readonly counters: Counters;
}

export class SelfMetricsSender {
  private readonly parts: SelfMetricsParts;
  private readonly metrics: SelfMetrics;
  private readonly own: Counters;
  private readonly relay: Relay;
  private readonly senders: readonly Sender[];
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(parts: SelfMetricsParts) {
    const { sockets, router, maxDatagramBytes } = parts;
    this.parts = parts;
    this.metrics = new SelfMetrics(parts.prefix);
    this.own = new Counters(sockets.length);
    const batches = sockets.map(() => new Batch(maxDatagramBytes));
    this.senders = sockets.map((socket, i) => new Sender(socket, batches[i], this.own.nodes[i]));
    this.relay = new Relay({
      lines: new Lines(["c", "g"], 0),
      router,
      batches,
      counters: this.own,
      send: (node) => this.senders[node].flush(),
    });
    this.timer = setInterval(() => this.send(), parts.intervalMs);
  }

  /** Sends what there is to say now. What a full socket does not take waits for the next time. */
  send(): void {
    const { sockets, isUp, view, counters } = this.parts;
    for (let node = 0; node < sockets.length; node++) this.relay.setUp(node, isUp(node));
    const bytes = Buffer.from(this.metrics.lines(view()).join("\n"));
    this.relay.datagram(bytes, 0, bytes.length);
    this.relay.flush();
    const dropped = this.own.nodes.flatMap(({ linesDropped }) => Object.values(linesDropped));
    counters.linesSelf = sum(this.own.nodes.map(({ linesRelayed }) => linesRelayed));
    counters.linesSelfDropped = this.own.linesUnowned + sum(dropped);
  }

  /** Sends the last, and no more. */
  finish(): void {
    clearInterval(this.timer);
    this.send();
  }
}
