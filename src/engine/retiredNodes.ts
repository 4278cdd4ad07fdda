/**
 * Retired nodes: those that a configuration change has removed. What is pending in their batches is still sent, and
 * their counts stay in the totals: no total ever falls.
 */
import type { Retired } from "../observe/view.ts";
import { NodeCounters } from "../relay/counters.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { Node } from "./node.ts";

/** How long a full socket may delay the end of a node. What is still pending then is dropped and counted. */
const DRAIN_MS_MAX = 5000;

export class RetiredNodes {
  private readonly clock: Clock;
  /** Counts of the nodes that are gone. */
  private readonly counted = new NodeCounters();
  /** Nodes with something left to send, each with the timer that ends it. */
  private readonly draining = new Map<Node, Timer>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Takes a node that gets no more lines. */
  add(node: Node): void {
    node.stopChecks();
    this.draining.set(
      node,
      this.clock.setTimeout(() => this.end(node), DRAIN_MS_MAX),
    );
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
    return { counters, linesPending };
  }

  private drain(node: Node): void {
    node.send();
    if (node.batch.linesPending === 0) this.end(node);
  }

  private end(node: Node): void {
    this.clock.cancel(this.draining.get(node));
    this.draining.delete(node);
    node.drop();
    this.counted.add(node.counters);
    node.close();
  }
}
