/** A metric's way: datagram, lines, route, batch. Sending is requested here and done elsewhere. */

import type { Locator } from "../placement/locator.ts";
import { EVERY_NODE, NO_LIVE_NODE, NO_NODE_TEXT, ownerText } from "../placement/owner.ts";
import { type Lines, Verdict } from "../protocol/line.ts";
import type { Batch } from "./batch.ts";
import { countLines } from "./batch.ts";
import type { Counters, NodeCounters } from "./counters.ts";
import { chargedBytes } from "./kernelCharge.ts";
import { RejectedExample } from "./rejectedExample.ts";

/** Held back for a node at most, as a receiver's kernel charges it: a quarter of the usual buffer takes it at once. */
const HELD_CHARGED_MAX = 212_992 / 4;

/** Owner of the current run before the first line. */
const NO_OWNER = -4;

/**
 * Sees each line: for debug mode and taps. `to` is the destination as operators see it, which stays valid when nodes
 * come or go: a node's label, `*` (every node) or `-` (none, as for a rejected line).
 */
export type LineObserver = (line: Buffer, verdict: Verdict, to: string) => void;

/** Where lines go: what a configuration change replaces as a whole. */
export interface Routes {
  readonly lines: Lines;
  /** Undefined: mirroring, so every accepted line goes to every node. */
  readonly locator: Locator | undefined;
  /** The nodes that the locator's owners are indexes of. */
  readonly nodes: readonly RelayNode[];
}

export interface RelayParts extends Routes {
  readonly counters: Counters;
}

/** A node as the relay sees it: its batch, its counters, and whether it gets lines. */
export interface RelayNode {
  readonly label: string;
  readonly batch: Batch;
  readonly counters: NodeCounters;
  /** False: its lines are dropped and counted. */
  readonly isUp: boolean;
  /** Sends what is pending, as far as the socket takes it. */
  send(): void;
}

export class Relay {
  /** Sees every line while set; costs nothing otherwise. */
  observer: LineObserver | undefined;
  /** A rejected line, for the log. */
  readonly rejected = new RejectedExample();
  /** How often lines were sent although they were to be held back: there were too many. */
  holdsBroken = 0;
  private held: ReadonlySet<RelayNode> = new Set();
  private lines: Lines;
  private locator: Locator | undefined;
  private nodes: readonly RelayNode[];
  private readonly counters: Counters;

  constructor(parts: RelayParts) {
    this.lines = parts.lines;
    this.locator = parts.locator;
    this.nodes = parts.nodes;
    this.counters = parts.counters;
    this.observer = undefined;
  }

  /** Switches routes, starting with the next datagram. */
  use({ lines, locator, nodes }: Routes): void {
    this.lines = lines;
    this.locator = locator;
    this.nodes = nodes;
  }

  /**
   * Adds the lines of the datagram `bytes[start, end)` to the batches of their owners. Adjacent lines with the same
   * owner (all lines, when mirroring) form a run and are copied together.
   */
  datagram(bytes: Buffer, start: number, end: number): void {
    const { lines, counters, locator } = this;
    counters.packetsReceived++;
    counters.bytesReceived += end - start;
    let received = 0;
    let accepted = 0;
    let delivered = 0;
    let runStart = 0;
    let runEnd = 0;
    let runLines = 0;
    let runOwner = NO_OWNER;
    try {
      lines.open(bytes, start, end);
      for (let verdict = lines.next(); verdict !== Verdict.end; verdict = lines.next()) {
        received++;
        if (verdict !== Verdict.accepted) {
          counters.linesRejected[verdict - 1]++;
          if (this.rejected.isWanted) this.rejected.keep(bytes, lines.start, lines.lineEnd);
          if (this.observer) this.observer(bytes.subarray(lines.start, lines.lineEnd), verdict, NO_NODE_TEXT);
          continue;
        }
        accepted++;
        const owner = locator ? locator.owner(bytes, lines.nameStart, lines.nameEnd, lines.nameHash) : EVERY_NODE;
        if (this.observer)
          this.observer(bytes.subarray(lines.start, lines.lineEnd), verdict, this.destinationText(owner));
        // One byte apart: that byte is the LF, with nothing (a rejected line, an empty one, a CR) in between.
        if (owner === runOwner && lines.start === runEnd + 1) {
          runLines++;
        } else {
          if (runLines > 0) this.deliver(runOwner, bytes, runStart, runEnd, runLines);
          delivered += runLines;
          runOwner = owner;
          runStart = lines.start;
          runLines = 1;
        }
        runEnd = lines.lineEnd;
      }
      if (runLines > 0) this.deliver(runOwner, bytes, runStart, runEnd, runLines);
      delivered += runLines;
    } finally {
      // Only a bug throws here. Even then, each received line is counted in exactly one place.
      counters.linesReceived += received;
      counters.linesAccepted += accepted;
      const copies = locator ? 1 : Math.max(1, this.nodes.length);
      counters.linesCopied += accepted * (copies - 1);
      counters.linesDropped.internal_error += (accepted - delivered) * copies;
    }
  }

  /** Sends everything that is pending, apart from what is held back. */
  flush(): void {
    const { nodes, held } = this;
    for (let i = 0; i < nodes.length; i++) {
      const { batch } = nodes[i];
      if (batch.linesPending === 0) continue;
      if (held.has(nodes[i])) {
        if (isSmall(batch)) continue;
        this.holdsBroken++;
      }
      nodes[i].send();
    }
  }

  /** Lines for these nodes wait for others, as long as they are few. Sends what is no longer held back. */
  hold(nodes: readonly RelayNode[]): void {
    this.held = new Set(nodes);
    this.flush();
  }

  /** Pending lines in all batches. */
  get linesPending(): number {
    return this.nodes.reduce((sum, { batch }) => sum + batch.linesPending, 0);
  }

  /** As operators see it: a node that is down gets nothing, even if it keeps the name. */
  private destinationText(owner: number): string {
    const { nodes } = this;
    const isLive = owner === EVERY_NODE ? nodes.some(({ isUp }) => isUp) : owner !== NO_LIVE_NODE && nodes[owner].isUp;
    return isLive ? ownerText(owner, nodes) : NO_NODE_TEXT;
  }

  private deliver(owner: number, bytes: Buffer, start: number, end: number, lines: number): void {
    const { nodes } = this;
    if (owner === EVERY_NODE && nodes.length > 0) {
      for (let i = 0; i < nodes.length; i++) this.deliverTo(nodes[i], bytes, start, end, lines);
    } else if (owner < 0) {
      // No node is live, or there is none to mirror to.
      this.counters.linesDropped.no_live_node += lines;
    } else {
      this.deliverTo(nodes[owner], bytes, start, end, lines);
    }
  }

  private deliverTo(node: RelayNode, bytes: Buffer, start: number, end: number, lines: number): void {
    const { batch, counters } = node;
    const dropped = counters.linesDropped;
    counters.linesDue += lines;
    if (!node.isUp) {
      if (this.locator) dropped.held += lines;
      else dropped.node_down += lines;
      return;
    }
    let at = batch.append(bytes, start, end, lines);
    while (at < end) {
      const waiting = batch.datagrams;
      node.send();
      if (batch.datagrams === waiting) {
        // The socket takes nothing, so the batch has no room.
        dropped.send_buffer_full += countLines(bytes, at, end);
        return;
      }
      at = batch.append(bytes, at, end, countLines(bytes, at, end));
    }
  }
}

function isSmall(batch: Batch): boolean {
  const { datagrams } = batch;
  const bytes = batch.endOf(datagrams - 1) - batch.startOf(0);
  return datagrams * chargedBytes(bytes / datagrams) <= HELD_CHARGED_MAX;
}
