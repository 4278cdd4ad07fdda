/**
 * A metric's way: datagram, lines, route, batch. The core goes it (core/assembly/relay.ts); here it is told where to, and
 * asked what came of it. Sending is requested here and done elsewhere.
 */

import { core, coreMemory, type Host, relayFor } from "../core/core.ts";
import { Datagrams } from "../core/datagrams.ts";
import { Inbox } from "../core/inbox.ts";
import { CoreObject } from "../core/object.ts";
import type { Locator } from "../placement/locator.ts";
import { EVERY_NODE, NO_LIVE_NODE, NO_NODE_TEXT, ownerText } from "../placement/owner.ts";
import type { RingIndex } from "../placement/ringIndex.ts";
import { type Lines, REJECT_REASONS, Verdict } from "../protocol/line.ts";
import type { Batch } from "./batch.ts";
import type { Counters, NodeCounters } from "./counters.ts";
import { chargedBytes } from "./kernelCharge.ts";
import { RejectedExample } from "./rejectedExample.ts";

/** Held back for a node at most, as a receiver's kernel charges it: a quarter of the usual buffer takes it at once. */
const HELD_CHARGED_MAX = 212_992 / 4;

/** Words of the core's `Relay`. */
const LINES = 0;
const PLACING = 1;
const BUCKETS = 2;
const POINTS = 3;
const SHIFT = 4;
const NODES = 5;
const NODE_COUNT = 6;
const SHOWS = 7;
const DATAGRAM = 8;
const LENGTH = 9;
const IS_RESUMED = 10;
const DATAGRAM_SHOWN = 11;
const FOUND = 12;
const RECEIVED = 15;
const ACCEPTED = 16;
const DELIVERED = 17;
const NOBODY_LIVE = 18;
/** By verdict; the first is unused. */
const REJECTED = 19;
const RELAY_WORDS = REJECTED + REJECT_REASONS.length + 2;

/** Words of the core's `Node`. */
const BATCH = 0;
const IS_UP = 1;
const DUE = 2;
const DOWN = 3;
const NO_ROOM = 4;
const NODE_WORDS = 5;

/** How names are given to nodes: to all; by the index of the ring; as the locator says. */
const MIRRORED = 0;
const DIRECT = 1;
const ASKED = 2;

/** Which lines are shown. */
const SHOWS_NONE = 0;
const SHOWS_REJECTED = 1;
const SHOWS_ALL = 2;

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
  /** A bug showed up. Some lines of a datagram may be lost by it, which is counted. */
  readonly onFailure: (error: Error) => void;
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

export class Relay extends CoreObject {
  /** Sees every line while set; costs nothing otherwise. */
  observer: LineObserver | undefined;
  /** A rejected line, for the log. */
  readonly rejected = new RejectedExample();
  /** How often lines were sent although they were to be held back: there were too many. */
  holdsBroken = 0;
  private held: ReadonlySet<RelayNode> = new Set();
  private routes: Routes;
  private readonly counters: Counters;
  private readonly onFailure: (error: Error) => void;
  /** Where the core's nodes lie. */
  private nodesAt = 0;
  private readonly inbox = new Inbox();
  /** A datagram that came alone. */
  private readonly one: Datagrams;
  private readonly host: Host;
  /** What the core was last told to look names up by. */
  private index: RingIndex | undefined;

  constructor(parts: RelayParts) {
    super(4 * RELAY_WORDS, RELAY_WORDS);
    this.counters = parts.counters;
    this.onFailure = parts.onFailure;
    this.observer = undefined;
    this.routes = parts;
    this.one = new Datagrams({ at: 0, stride: 0 }, { at: this.at + 4 * LENGTH, stride: 0 });
    this.host = {
      send: (node) => this.routes.nodes[node].send(),
      locate: (start, end, hash) => this.routes.locator?.owner(coreMemory.bytes, start, end, hash) ?? EVERY_NODE,
      seen: (start, end, verdict, owner) => this.seen(coreMemory.bytes.subarray(start, end), verdict as Verdict, owner),
    };
    this.set(FOUND, coreMemory.block(this, core.foundSize()));
    this.use(parts);
  }

  /** Switches routes, starting with the next datagram. */
  use(routes: Routes): void {
    const { lines, locator, nodes } = routes;
    this.routes = routes;
    this.nodesAt = coreMemory.block(nodes, 4 * NODE_WORDS * nodes.length);
    const { words } = coreMemory;
    words.fill(0, this.nodesAt / 4, this.nodesAt / 4 + NODE_WORDS * nodes.length);
    for (let i = 0; i < nodes.length; i++) words[this.nodesAt / 4 + i * NODE_WORDS + BATCH] = nodes[i].batch.at;
    this.set(LINES, lines.at);
    this.set(NODES, this.nodesAt);
    this.set(NODE_COUNT, nodes.length);
    this.set(PLACING, locator === undefined ? MIRRORED : locator.index === undefined ? ASKED : DIRECT);
  }

  /**
   * Adds the lines of the datagram `bytes[start, end)` to the batches of their owners. Adjacent lines with the same
   * owner (all lines, when mirroring) form a run and are copied together.
   */
  datagram(bytes: Buffer, start: number, end: number): void {
    this.one.slotsAt = this.inbox.bring(bytes, start, end);
    this.set(LENGTH, end - start);
    this.one.have(1);
    this.datagrams(this.one);
  }

  /** The same for all datagrams of a read. */
  datagrams(datagrams: Datagrams): void {
    const { count, slotsAt, slotStride, lengthsAt, lengthStride } = datagrams;
    this.counters.packetsReceived += count;
    this.counters.bytesReceived += datagrams.bytes;
    this.prepare();
    for (let first = 0; ; first = this.get(DATAGRAM)) {
      try {
        relayFor(this.host, this.at, first, count, slotsAt, slotStride, lengthsAt, lengthStride);
        break;
      } catch (error) {
        // A bug; it costs the line that the core was at, and those that were to go with it.
        this.onFailure(error as Error);
        this.set(IS_RESUMED, 1);
      }
    }
    this.account();
  }

  /** Sends everything that is pending, apart from what is held back. */
  flush(): void {
    const { held } = this;
    const { nodes } = this.routes;
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
    return this.routes.nodes.reduce((sum, { batch }) => sum + batch.linesPending, 0);
  }

  /** As operators see it: a node that is down gets nothing, even if it keeps the name. */
  private destinationText(owner: number): string {
    const { nodes } = this.routes;
    const isLive = owner === EVERY_NODE ? nodes.some(({ isUp }) => isUp) : owner !== NO_LIVE_NODE && nodes[owner].isUp;
    return isLive ? ownerText(owner, nodes) : NO_NODE_TEXT;
  }

  /** Tells the core what may have changed since the last datagram. */
  private prepare(): void {
    const { nodes, locator } = this.routes;
    const { words } = coreMemory;
    for (let i = 0, at = this.nodesAt / 4 + IS_UP; i < nodes.length; i++, at += NODE_WORDS) {
      words[at] = nodes[i].isUp ? 1 : 0;
    }
    this.set(SHOWS, this.observer ? SHOWS_ALL : this.rejected.isWanted ? SHOWS_REJECTED : SHOWS_NONE);
    const index = this.indexOf(locator);
    if (index === undefined || index === this.index) return;
    this.index = index;
    this.set(BUCKETS, index.bucketsAt);
    this.set(POINTS, index.pointsAt);
    this.set(SHIFT, index.shift);
  }

  /** Where there is no memory for a new ring, names go where they went before. */
  private indexOf(locator: Locator | undefined): RingIndex | undefined {
    try {
      return locator?.index;
    } catch (error) {
      this.onFailure(error as Error);
      return undefined;
    }
  }

  /** Takes over what the core has counted. */
  private account(): void {
    const { counters } = this;
    const { nodes, locator } = this.routes;
    const received = this.take(RECEIVED);
    const accepted = this.take(ACCEPTED);
    counters.linesReceived += received;
    counters.linesAccepted += accepted;
    if (received > accepted) {
      for (let i = 0; i < REJECT_REASONS.length; i++) counters.linesRejected[i] += this.take(REJECTED + 1 + i);
    }
    const copies = locator ? 1 : Math.max(1, nodes.length);
    counters.linesCopied += accepted * (copies - 1);
    counters.linesDropped.no_live_node += this.take(NOBODY_LIVE);
    // Only a bug leaves any. Even then, each received line is counted in exactly one place.
    counters.linesDropped.internal_error += (accepted - this.take(DELIVERED)) * copies;
    const { words } = coreMemory;
    for (let i = 0, at = this.nodesAt / 4; i < nodes.length; i++, at += NODE_WORDS) {
      if (words[at + DUE] === 0) continue;
      const { linesDropped } = nodes[i].counters;
      nodes[i].counters.linesDue += words[at + DUE];
      if (locator) linesDropped.held += words[at + DOWN];
      else linesDropped.node_down += words[at + DOWN];
      linesDropped.send_buffer_full += words[at + NO_ROOM];
      words[at + DUE] = 0;
      words[at + DOWN] = 0;
      words[at + NO_ROOM] = 0;
    }
  }

  private seen(line: Buffer, verdict: Verdict, owner: number): void {
    const isAccepted = verdict === Verdict.accepted;
    if (!isAccepted && this.rejected.isWanted) this.rejected.keep(line, 0, line.length, this.get(DATAGRAM_SHOWN));
    this.observer?.(line, verdict, isAccepted ? this.destinationText(owner) : NO_NODE_TEXT);
  }

  /** A count since it was taken last. */
  private take(word: number): number {
    const count = this.get(word);
    this.set(word, 0);
    return count;
  }
}

function isSmall(batch: Batch): boolean {
  const { datagrams } = batch;
  return datagrams * chargedBytes(batch.bytesOf(datagrams) / datagrams) <= HELD_CHARGED_MAX;
}
