/**
 * Nodes that share the metrics, by one placement or mirrored:
 *
 *     relay: lines -> locator -> batch of a node -> link -> backend
 *                      ^ ring <- membership <- checks of the nodes
 *
 * What the configuration says of them may change: `prepare` opens what is new, and a commit puts it in the place of what
 * was, between two datagrams. A node that is in both configurations is the same object before and after.
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
import { oncePer } from "../placement/oncePer.ts";
import type { Placement } from "../placement/placement.ts";
import { placementOf } from "../placement/placementOf.ts";
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
  /** An error of the program's own: the metrics go on. */
  readonly onFailure: (error: Error) => void;
}

/** A node as the next configuration has it. */
interface PreparedNode {
  readonly node: Node;
  readonly settings: NodeSettings;
  /** To its new address, if that is another. */
  readonly link: Link | undefined;
}

/** Says of an address and port whether the proxy itself would get what is sent there. */
type IsOwn = (address: string, port: number) => boolean;

export class Cluster {
  readonly relay: Relay;
  private readonly parts: ClusterParts;
  /** Of the names' hashes. It stays, so that what the locator remembers does. */
  private readonly seed: number;
  private config: Config | undefined;
  private nodes: readonly Node[] = [];
  private placement: Placement | undefined;
  private locator: Locator | undefined;
  private readonly membership: Membership;
  private readonly retiredNodes: RetiredNodes;
  private readonly selfMetrics: SelfMetricsSender;
  /** The nodes' shares of a ring: they cost a walk along all points, and rings change seldom. */
  private readonly shares = oncePer((ring: Ring) => shares(ring, this.nodes.length));
  private readonly fullRingShares = oncePer((ring: Ring) => shares(ring, this.nodes.length));

  constructor(parts: ClusterParts) {
    const { platform, counters, view } = parts;
    const { clock } = platform;
    this.parts = parts;
    this.seed = platform.random32();
    this.relay = new Relay({ lines: new Lines([], this.seed), locator: undefined, nodes: [], counters });
    this.membership = new Membership({ nodes: [], rules: { fall: 1, rise: 1 }, rehash: undefined });
    this.retiredNodes = new RetiredNodes(clock);
    this.selfMetrics = new SelfMetricsSender({ clock, counters, view });
  }

  /** Opens what the next configuration has and this has not. */
  async prepare(next: Config, opening: Opening): Promise<void> {
    const placement = await opening.attempt("ring", () => this.placementOf(next));
    const isOwn = await this.isOwnOf(next);
    const known = new Map(this.nodes.map((node) => [node.label, node]));
    const prepared = await Promise.all(
      next.nodes.map((config, i) => this.prepareNode(next, `nodes[${i}]`, known.get(config.label), isOwn, i, opening)),
    );
    opening.whenReady(() =>
      this.commit(
        next,
        placement,
        prepared.filter((node) => node !== undefined),
      ),
    );
  }

  /** Nodes as they are now, in the configuration's order. */
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

  /** Nodes that are up. */
  liveLabels(): string[] {
    return this.nodes.filter(({ isUp }) => isUp).map(({ label }) => label);
  }

  /** What nodes have counted that are in the configuration no more. */
  retired(): Retired {
    return this.retiredNodes.view();
  }

  /** The last times that nodes were taken out or back, oldest first. */
  get healthChanges(): readonly HealthChange[] {
    return this.membership.changes;
  }

  /** For a sample of the rates, once a second. @param atMs on a clock that only goes forward */
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

  /** Where a name, or a whole line, goes now. */
  destinationOf(asked: Buffer): Destination {
    const { placement, locator, nodes, config } = this;
    const placed = placement && locator && { placement, ring: locator.ring };
    return destinationOf(asked, { types: config?.types ?? [], placed, nodes });
  }

  /** The ring as it is now, in so many parts. */
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

  /** Ends the checks and sends what waits; what no link takes any more is dropped, and counted. */
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
      opening.problems.push({ at, message: "this is where the proxy itself listens: metrics would go round" });
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

  /** The one that there is, if it puts names where the next configuration does. @throws as `placementOf` */
  private placementOf(next: Config): Placement | undefined {
    if (next.mirror) return undefined;
    const { placement, config } = this;
    const isSame =
      placement !== undefined &&
      config?.ring === next.ring &&
      config.nodes.length === next.nodes.length &&
      config.nodes.every(({ label, weight }, i) => label === next.nodes[i].label && weight === next.nodes[i].weight);
    return isSame ? placement : placementOf(next, this.parts.platform.loadFingerprint32);
  }

  /** As this machine is now. A name that does not resolve is nobody's address. */
  private async isOwnOf(listening: Config): Promise<IsOwn> {
    const { network } = this.parts.platform;
    const host = await network.resolve(listening.host).catch(() => undefined);
    const ofMachine = network.ownAddresses();
    return (address, port) => host !== undefined && port === listening.port && reachesItself(address, host, ofMachine);
  }

  private commit(next: Config, placement: Placement | undefined, prepared: readonly PreparedNode[]): void {
    const before = this.config;
    const nodesBefore = this.nodes;
    const nodes = prepared.map(({ node }) => node);
    const isPlacedAsBefore = placement === this.placement && before?.cacheSize === next.cacheSize;
    if (!isPlacedAsBefore) this.locator = placement && locatorOf(placement, next.cacheSize);
    const { locator } = this;
    this.config = next;
    this.nodes = nodes;
    this.placement = placement;

    const kept = new Set(nodesBefore);
    prepared.forEach(({ node, settings, link }, i) => {
      // The checks of the nodes are spread over the interval.
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
    this.selfMetrics.use(own && { ...own, datagramBytesMax, locator, nodes });
    // What waits for those that are left goes out as it would have before.
    for (const node of kept) this.retiredNodes.add(node);
  }

  private flush(): void {
    this.relay.flush();
    this.retiredNodes.flush();
    this.selfMetrics.flush();
  }

  private onCheck(node: Node, check: Check): void {
    if (this.membership.record(node, check)) this.tell(node, check.failure);
  }

  /** A node that is not checked is up. */
  private release(node: Node): void {
    if (this.membership.release(node, this.parts.platform.clock.epochMs())) this.tell(node, undefined);
  }

  private tell({ label }: Node, failure: string | undefined): void {
    const { log } = this.parts;
    const nodes_up = `${this.membership.upCount} of ${this.nodes.length}`;
    if (failure === undefined) log.info("node_up", { node: label, nodes_up });
    else log.warn("node_down", { node: label, reason: failure, nodes_up });
  }
}
