/**
 * Nodes that share the metrics, by placement or mirrored:
 *
 *     relay: lines -> locator -> batch of a node -> link -> backend
 *                      ^ ring <- membership <- checks of the nodes
 *
 * When the configuration changes, `prepare` opens what is new, and a commit swaps it in between two datagrams. A node
 * that is in both configurations is the same object before and after.
 */
import type { Config } from "../config/config.ts";
import type { Check, HealthChange } from "../health/nodeHealth.ts";
import type { Log } from "../log/log.ts";
import type { Link } from "../net/link.ts";
import { reachesItself } from "../net/ownAddress.ts";
import type { Totals } from "../observe/history.ts";
import { SelfMetricsSender } from "../observe/selfMetricsSender.ts";
import type { NodeView, Retired, View } from "../observe/view.ts";
import { type Destination, destinationOf } from "../placement/destination.ts";
import { type Locator, locatorOf } from "../placement/locator.ts";
import { memoizeLast } from "../placement/memoizeLast.ts";
import type { LabelledRing } from "../placement/movedShare.ts";
import type { Placement } from "../placement/placement.ts";
import { placementSteps } from "../placement/placementOf.ts";
import { type Ring, shares } from "../placement/ring.ts";
import { partOwners, type RingPicture } from "../placement/ringPicture.ts";
import { Lines } from "../protocol/line.ts";
import { allDropped, type Counters, sum } from "../relay/counters.ts";
import { Relay } from "../relay/relay.ts";
import { Membership } from "./membership.ts";
import { Node, type NodeSettings } from "./node.ts";
import type { Opening } from "./opening.ts";
import type { Platform } from "./platform.ts";
import { RetiredNodes } from "./retiredNodes.ts";

export interface ClusterParts {
  readonly platform: Platform;
  readonly log: Log;
  readonly counters: Counters;
  /** For the proxy's own metrics. */
  readonly view: () => View;
  /** A bug showed up; the metrics keep flowing. */
  readonly onFailure: (error: Error) => void;
}

/** Where names go, and what finds it. */
interface Placed {
  readonly placement: Placement;
  readonly locator: Locator;
}

/** A node as the next configuration wants it. */
interface PreparedNode {
  readonly node: Node;
  readonly settings: NodeSettings;
  /** To its new address, if it has one. */
  readonly link: Link | undefined;
}

/** Whether the proxy itself receives what is sent to this address and port. */
type IsOwn = (address: string, port: number) => boolean;

export class Cluster {
  readonly relay: Relay;
  private readonly parts: ClusterParts;
  /** Seed of the hashes of names. It never changes, so the locator's cache stays valid. */
  private readonly seed: number;
  private config: Config | undefined;
  private nodes: readonly Node[] = [];
  private placement: Placement | undefined;
  private locator: Locator | undefined;
  private readonly membership: Membership;
  private readonly retiredNodes: RetiredNodes;
  private readonly selfMetrics: SelfMetricsSender;
  /** Each node's share of a ring. Cached, because it costs a walk over all points, and rings rarely change. */
  private readonly shares = memoizeLast((ring: Ring) => shares(ring, this.nodes.length));
  private readonly fullRingShares = memoizeLast((ring: Ring) => shares(ring, this.nodes.length));

  constructor(parts: ClusterParts) {
    const { platform, counters, view } = parts;
    const { clock } = platform;
    this.parts = parts;
    this.seed = platform.random32();
    this.relay = new Relay({ lines: new Lines([], this.seed), locator: undefined, nodes: [], counters });
    this.membership = new Membership({ nodes: [], rules: { fall: 1, rise: 1 }, rehash: undefined });
    this.retiredNodes = new RetiredNodes(clock, parts.log);
    this.selfMetrics = new SelfMetricsSender({ clock, counters, view });
  }

  /** Opens what is new in the next configuration. */
  async prepare(next: Config, opening: Opening): Promise<void> {
    const placed = await opening.attempt("ring", () => this.placedOf(next));
    const isOwn = await this.isOwnOf(next);
    const known = new Map(this.nodes.map((node) => [node.label, node]));
    const prepared = await Promise.all(
      next.nodes.map((config, i) => this.prepareNode(next, `nodes[${i}]`, known.get(config.label), isOwn, i, opening)),
    );
    opening.onCommit(() =>
      this.commit(
        next,
        placed,
        prepared.filter((node) => node !== undefined),
      ),
    );
  }

  /** The nodes now, in the order of the configuration. */
  views(): NodeView[] {
    const ringShares = this.locator && this.shares(this.locator.ring);
    return this.nodes.map((node, i) => ({
      label: node.label,
      config: node.config,
      isUp: node.isUp,
      counters: node.counters,
      batch: node.batch,
      ringShare: ringShares?.[i],
      health: node.health,
      rate: node.rate.perSecond,
    }));
  }

  /** Labels of the nodes that are up. */
  liveLabels(): string[] {
    return this.nodes.filter(({ isUp }) => isUp).map(({ label }) => label);
  }

  /** What removed nodes have counted. */
  retired(): Retired {
    return this.retiredNodes.view();
  }

  /** The last times that a node went down or came back, oldest first. */
  get healthChanges(): readonly HealthChange[] {
    return this.membership.changes;
  }

  /** Takes a sample for the rates, once a second. @param atMs on a monotonic clock */
  clearRates(): void {
    for (const { rate } of this.nodes) rate.clear();
  }

  sample(atMs: number, kernelDrops: number): Totals {
    for (const { rate, counters } of this.nodes) rate.record(atMs, counters.linesRelayed);
    const { counters } = this.parts;
    const all = [...this.nodes.map((node) => node.counters), this.retired().counters];
    return {
      received: counters.linesReceived,
      relayed: sum(all.map(({ linesRelayed }) => linesRelayed)),
      rejected: sum(counters.linesRejected),
      dropped: allDropped(counters) + sum(all.map(allDropped)),
      kernel_drops: kernelDrops,
    };
  }

  /** The ring of all nodes, whichever are up; undefined when mirroring. */
  fullRing(): LabelledRing | undefined {
    const { placement, nodes } = this;
    return placement && { ring: placement.full, labels: nodes.map(({ label }) => label) };
  }

  /** Where a name, or a whole line, goes now. */
  destinationOf(asked: Buffer): Destination {
    const { placement, locator, nodes, config } = this;
    const placed = placement && locator && { placement, ring: locator.ring };
    return destinationOf(asked, { types: config?.types ?? [], placed, nodes });
  }

  /** The current ring, divided into this many parts. */
  ringPicture(parts: number): RingPicture {
    const { placement, locator, nodes } = this;
    return {
      labels: nodes.map(({ label }) => label),
      parts: locator && partOwners(locator.ring, parts),
      fullShares: placement && this.fullRingShares(placement.full),
    };
  }

  get namesCached(): number {
    return this.locator?.namesCached ?? 0;
  }

  /** Stops the checks and sends what is pending; what no link takes is dropped and counted. */
  finish(): void {
    for (const node of this.nodes) node.stopChecks();
    this.relay.flush();
    for (const node of this.nodes) node.drop();
    this.retiredNodes.finish();
    this.selfMetrics.finish();
  }

  close(): void {
    for (const node of this.nodes) node.close();
    this.retiredNodes.finish();
    this.selfMetrics.close();
  }

  private async prepareNode(
    next: Config,
    at: string,
    known: Node | undefined,
    isOwn: IsOwn,
    index: number,
    opening: Opening,
  ): Promise<PreparedNode | undefined> {
    const config = next.nodes[index];
    const host = await opening.resolve(`${at}.host`, config.host);
    if (host === undefined) return undefined;
    if (isOwn(host, config.port)) {
      opening.problems.push({ at, message: "the proxy itself listens here: metrics would loop" });
      return undefined;
    }
    const { maxDatagramBytes: datagramBytesMax, checkInterval: checkIntervalMs } = next;
    const settings = { config, host, datagramBytesMax, checkIntervalMs };
    if (known === undefined) {
      const node = await opening.open(at, () => this.openNode(settings));
      return node && { node, settings, link: undefined };
    }
    if (!known.isMovedBy(settings)) return { node: known, settings, link: undefined };
    const link = await opening.open(at, () => known.openLink(settings));
    return link && { node: known, settings, link };
  }

  private openNode(settings: NodeSettings): Promise<Node> {
    const { platform, log, onFailure } = this.parts;
    return Node.open(settings, {
      ...{ platform, log, onFailure },
      onCheck: (node, check) => this.onCheck(node, check),
      onReady: () => this.flush(),
    });
  }

  /** The current placement, if the next configuration places names the same way. @throws as `placementOf` */
  private async placementOf(next: Config): Promise<Placement | undefined> {
    if (next.mirror) return undefined;
    const { placement, config } = this;
    const isSame =
      placement !== undefined &&
      config?.ring === next.ring &&
      config.nodes.length === next.nodes.length &&
      config.nodes.every(({ label, weight }, i) => label === next.nodes[i].label && weight === next.nodes[i].weight);
    if (isSame) return placement;
    const { loadFingerprint32, clock } = this.parts.platform;
    const steps = placementSteps(next, loadFingerprint32, placement);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      // Metrics are relayed in between.
      await new Promise<void>((resolve) => clock.setImmediate(resolve));
    }
  }

  /** The same with its locator, whose cache is kept if it can be. Memory for another may be too much to get. */
  private async placedOf(next: Config): Promise<Placed | undefined> {
    const placement = await this.placementOf(next);
    if (placement === undefined) return undefined;
    const { locator, config } = this;
    const isSame = locator !== undefined && placement === this.placement && config?.cacheSize === next.cacheSize;
    return { placement, locator: isSame ? locator : locatorOf(placement, next.cacheSize) };
  }

  /** Based on this machine's current addresses. A host that does not resolve matches nothing. */
  private async isOwnOf(listening: Config): Promise<IsOwn> {
    const { network } = this.parts.platform;
    const host = await network.resolve(listening.host).catch(() => undefined);
    const ofMachine = network.ownAddresses();
    return (address, port) => host !== undefined && port === listening.port && reachesItself(address, host, ofMachine);
  }

  private commit(next: Config, placed: Placed | undefined, prepared: readonly PreparedNode[]): void {
    const before = this.config;
    const nodesBefore = this.nodes;
    const nodes = prepared.map(({ node }) => node);
    const { placement, locator } = placed ?? {};
    const isPlacedAsBefore = locator === this.locator;
    this.config = next;
    this.nodes = nodes;
    this.placement = placement;
    this.locator = locator;

    const kept = new Set(nodesBefore);
    prepared.forEach(({ node, settings, link }, i) => {
      // Spread the nodes' checks over the interval.
      const delayMs = (i * next.checkInterval) / nodes.length;
      if (kept.delete(node)) node.use(settings, link, delayMs);
      else node.startChecks(delayMs);
    });
    this.relay.use({ lines: new Lines(next.types, this.seed), locator, nodes });
    const rehash = placement && locator && next.failover === "rehash" ? { placement, locator } : undefined;
    this.membership.use({ nodes, rules: next, rehash });
    for (const node of nodes) if (node.config.managementport === 0) this.release(node);
    if (placement && locator && (!isPlacedAsBefore || before?.failover !== next.failover)) {
      locator.use(() => (rehash ? placement.live(nodes.map(({ isUp }) => isUp)) : placement.full));
    }
    const { selfMetrics: own, maxDatagramBytes: datagramBytesMax } = next;
    this.selfMetrics.use(own && { ...own, datagramBytesMax, locator, nodes }, before === undefined);
    // What is pending for removed nodes is still sent.
    for (const node of kept) this.retiredNodes.add(node);
    // The socket that a node's lines were waiting for may be gone, and with it what would have told that it has room.
    this.relay.flush();
  }

  private flush(): void {
    this.relay.flush();
    this.retiredNodes.flush();
    this.selfMetrics.flush();
  }

  private onCheck(node: Node, check: Check): void {
    if (this.membership.record(node, check)) this.logChange(node, check.failure);
  }

  /** A node without checks counts as up. */
  private release(node: Node): void {
    if (this.membership.release(node, this.parts.platform.clock.epochMs())) this.logChange(node, undefined);
  }

  private logChange({ label }: Node, failure: string | undefined): void {
    const { log } = this.parts;
    const nodes_up = `${this.membership.upCount} of ${this.nodes.length}`;
    if (failure === undefined) log.info("node_up", { node: label, nodes_up });
    else log.warn("node_down", { node: label, reason: failure, nodes_up });
  }
}
