/**
 * Retired nodes: those that a configuration change has removed. What is pending in their batches is still sent, and
 * their counts stay in the totals: no total ever falls.
 */
import type { Log } from "../log/log.ts";
import type { Retired } from "../observe/view.ts";
import { DROP_REASONS, type DropReason, NodeCounters } from "../relay/counters.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { Node } from "./node.ts";

/** How long a full socket may delay the end of a node. What is still pending then is dropped and counted. */
const DRAIN_MS_MAX = 5000;

type Dropped = Readonly<Record<DropReason, number>>;

export class RetiredNodes {
  private readonly clock: Clock;
  private readonly log: Log;
  /** How many there have been. */
  private nodes = 0;
  /** Counts of the nodes that are gone. */
  private readonly counted = new NodeCounters();
  /** Nodes with something left to send, each with the timer that ends it, and what it had dropped before. */
  private readonly draining = new Map<Node, { readonly timer: Timer; readonly dropped: Dropped }>();

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  /** Takes a node that gets no more lines. */
  add(node: Node): void {
    this.nodes++;
    node.stopChecks();
    this.draining.set(node, {
      timer: this.clock.setTimeout(() => this.end(node), DRAIN_MS_MAX),
      dropped: { ...node.counters.linesDropped },
    });
    this.drain(node);
  }

  /** Sends what is pending, as far as the sockets take it. */
  flush(): void {
    for (const node of [...this.draining.keys()]) this.drain(node);
  }

  /** Sends what the sockets take now, and drops the rest. */
  finish(): void {
    for (const node of [...this.draining.keys()]) {
      node.send();
      this.end(node);
    }
  }

  /** What all of them have counted, and what is pending. */
  view(): Retired {
    const counters = new NodeCounters();
    counters.add(this.counted);
    let linesPending = 0;
    for (const node of this.draining.keys()) {
      counters.add(node.counters);
      linesPending += node.batch.linesPending;
    }
    return { nodes: this.nodes, counters, linesPending };
  }

  private drain(node: Node): void {
    node.send();
    if (node.batch.linesPending === 0) this.end(node);
  }

  private end(node: Node): void {
    const { timer, dropped } = this.draining.get(node) ?? {};
    this.clock.cancel(timer);
    this.draining.delete(node);
    node.drop();
    if (dropped) this.logDrops(node, dropped);
    this.counted.add(node.counters);
    node.close();
    node.batch.release();
  }

  /** Nobody looks for the losses of a node that is not in the list any more. */
  private logDrops({ label: node, counters: { linesDropped } }: Node, before: Dropped): void {
    for (const reason of DROP_REASONS) {
      const [lines, total] = [linesDropped[reason] - before[reason], linesDropped[reason]];
      if (lines > 0) this.log.warn("dropping_lines", { node, reason, lines, total });
    }
  }
}
