/**
 * Nodes that share the metrics, by one placement or mirrored:
 *
 *     relay: lines -> locator -> batch of a node -> link -> backend
 *                      ^ ring <- membership <- checks of the nodes
 */
import type { Config } from "../config/config.ts";
import type { Check, HealthChange } from "../health/nodeHealth.ts";
import type { Log } from "../log/log.io.ts";
import { openOwnAddress } from "../net/ownAddress.io.ts";
import { resolveHost } from "../net/resolve.io.ts";
import type { NodeView, View } from "../observe/figures.ts";
import type { Totals } from "../observe/history.ts";
import { SelfMetricsSender } from "../observe/selfMetricsSender.ts";
import { type Destination, destinationOf } from "../placement/destination.ts";
import { type Locator, locatorOf } from "../placement/locator.ts";
import { oncePer } from "../placement/oncePer.ts";
import type { Placement } from "../placement/placement.ts";
import { placementOf } from "../placement/placementOf.io.ts";
import { type Ring, shares } from "../placement/ring.ts";
import { partOwners, type RingPicture } from "../placement/ringPicture.ts";
import { Lines } from "../protocol/line.ts";
import type { Start } from "../proxy/start.ts";
import type { Counters } from "../relay/counters.ts";
import { Relay } from "../relay/relay.ts";
import { sum } from "../relay/sum.ts";
import { Membership } from "./membership.ts";
import { Node } from "./node.ts";

export interface ClusterParts {
  readonly config: Config;
  readonly counters: Counters;
  readonly log: Log;
  /** An error of the program's own: the metrics go on. */
  readonly onFailure: (error: Error) => void;
}

export class Cluster {
  readonly relay: Relay;
  private readonly parts: ClusterParts;
  private readonly nodes: readonly Node[];
  private readonly placement: Placement | undefined;
  private readonly locator: Locator | undefined;
  private readonly membership: Membership;
  /** The nodes' shares of a ring: they cost a walk along all points, and rings change seldom. */
  private readonly shares = oncePer((ring: Ring) => shares(ring, this.nodes.length));
  private readonly fullRingShares = oncePer((ring: Ring) => shares(ring, this.nodes.length));
  private selfMetrics: SelfMetricsSender | undefined;

  private constructor(parts: ClusterParts, placement: Placement | undefined, nodes: readonly Node[]) {
    const { config, counters } = parts;
    const locator = placement && locatorOf(placement, config.cacheSize);
    this.parts = parts;
    this.nodes = nodes;
    this.placement = placement;
    this.locator = locator;
    const lines = new Lines(config.types, crypto.getRandomValues(new Int32Array(1))[0]);
    this.relay = new Relay({ lines, locator, nodes, counters });
    this.membership = new Membership({
      nodes,
      rules: config,
      rehash: placement && locator && config.failover === "rehash" ? { placement, locator } : undefined,
    });
  }

  /** Resolves the nodes and opens them. What goes wrong is `start`'s to tell. */
  static async open(parts: ClusterParts, start: Start): Promise<Cluster | undefined> {
    const { config, log, onFailure } = parts;
    let cluster: Cluster | undefined;
    const placement = await start.attempt("ring", () => (config.mirror ? undefined : placementOf(config)));
    const isOwn = await openOwnAddress(config);
    const nodes = await Promise.all(
      config.nodes.map(async (nodeConfig, i) => {
        const host = await start.attempt(`nodes[${i}].host`, () => resolveHost(nodeConfig.host));
        if (host === undefined) return undefined;
        if (isOwn(host, nodeConfig.port)) {
          const message = "this is where the proxy itself listens: metrics would go round";
          start.problems.push({ at: `nodes[${i}]`, message });
          return undefined;
        }
        return await start.open(`nodes[${i}]`, () =>
          Node.open({
            ...{ config: nodeConfig, host, log },
            datagramBytesMax: config.maxDatagramBytes,
            checkIntervalMs: config.checkInterval,
            onCheck: (node, check) => cluster?.onCheck(node, check),
            onReady: () => cluster?.flush(),
            onFailure,
          }),
        );
      }),
    );
    const opened = nodes.filter((node) => node !== undefined);
    if (opened.length < nodes.length || (placement === undefined && !config.mirror)) return undefined;
    cluster = new Cluster(parts, placement, opened);
    return cluster;
  }

  /** Nodes as they are now, in the configuration's order. */
  views(): NodeView[] {
    const ringShares = this.locator && this.shares(this.locator.ring);
    return this.nodes.map((node, i) => ({
      label: node.label,
      isUp: node.isUp,
      counters: node.counters,
      batch: node.batch,
      ringShare: ringShares?.[i],
      health: node.health,
    }));
  }

  /** The last times that nodes were taken out or back, oldest first. */
  get healthChanges(): readonly HealthChange[] {
    return this.membership.changes;
  }

  /** For a sample of the history. */
  totals(kernelDrops: number): Totals {
    const { counters } = this.parts;
    const relayed = this.nodes.map((node) => node.counters.linesRelayed);
    const dropped = this.nodes.map((node) => sum(Object.values(node.counters.linesDropped)));
    return {
      received: counters.linesReceived,
      relayed: sum(relayed),
      rejected: sum(counters.linesRejected),
      dropped: counters.linesUnowned + counters.linesFailed + sum(dropped),
      kernel_drops: kernelDrops,
      nodes: relayed,
    };
  }

  /** Where a name, or a whole line, goes now. */
  destinationOf(asked: Buffer): Destination {
    const { placement, locator, nodes } = this;
    const placed = placement && locator && { placement, ring: locator.ring };
    return destinationOf(asked, { types: this.parts.config.types, placed, nodes });
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

  /** Starts the checks, those of the nodes spread over the interval. */
  startChecks(): void {
    const { checkInterval } = this.parts.config;
    this.nodes.forEach((node, i) => {
      node.startChecks((i * checkInterval) / this.nodes.length);
    });
  }

  /** From now on the proxy's own figures are sent, too, if the configuration asks for it. */
  startSelfMetrics(view: () => View): void {
    const { config, counters } = this.parts;
    if (config.selfMetrics === undefined) return;
    const { prefix, interval: intervalMs } = config.selfMetrics;
    const { nodes, locator } = this;
    const datagramBytesMax = config.maxDatagramBytes;
    this.selfMetrics = new SelfMetricsSender({ prefix, intervalMs, datagramBytesMax, locator, nodes, view, counters });
  }

  /** Ends the checks and sends what waits; what no link takes any more is dropped, and counted. */
  finish(): void {
    for (const node of this.nodes) node.stopChecks();
    this.relay.flush();
    for (const node of this.nodes) node.drop();
    this.selfMetrics?.finish();
  }

  private flush(): void {
    this.relay.flush();
    this.selfMetrics?.flush();
  }

  private onCheck(node: Node, check: Check): void {
    const { log } = this.parts;
    if (!this.membership.record(node, check)) return;
    const nodes_up = `${this.membership.upCount} of ${this.nodes.length}`;
    if (check.failure === undefined) log.info("node_up", { node: node.label, nodes_up });
    else log.warn("node_down", { node: node.label, reason: check.failure, nodes_up });
  }
}
