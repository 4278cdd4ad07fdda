/**
 * Everything between the receiver and the backends, for one configuration:
 *
 *     relay: lines -> router -> batches -> links -> backends
 *                      ^ ring <- membership <- checks
 */
import { Batch } from "./core/batch.ts";
import type { Config } from "./core/config.ts";
import type { Route } from "./core/console.ts";
import type { Counters } from "./core/counters.ts";
import { escapeBytes } from "./core/escape.ts";
import { type HealthChange, HealthHistory } from "./core/healthHistory.ts";
import type { Totals } from "./core/history.ts";
import { Lines, REJECT_REASONS, Verdict } from "./core/line.ts";
import { Membership } from "./core/membership.ts";
import { oncePer } from "./core/oncePer.ts";
import type { Placement } from "./core/placement.ts";
import { EVERY_NODE, type LineWitness, Relay } from "./core/relay.ts";
import { NO_OWNER, ownerAt, type Ring, shares } from "./core/ring.ts";
import { Router } from "./core/router.ts";
import type { NodeView, View } from "./core/stats.ts";
import { sum } from "./core/sum.ts";
import { ringPicture, type Whereabouts, whereabouts } from "./core/whereabouts.ts";
import { type CheckedNode, Checks } from "./io/checks.ts";
import { dropAll, Link } from "./io/link.ts";
import type { Log } from "./io/log.ts";
import { openOwnAddress } from "./io/ownAddress.ts";
import { placementOf } from "./io/placementOf.ts";
import { resolveHost } from "./io/resolve.ts";
import { SelfMetricsSender } from "./io/selfMetrics.ts";
import type { Start } from "./start.ts";

export class Pipeline {
  readonly relay: Relay;
  private readonly config: Config;
  private readonly counters: Counters;
  private readonly log: Log;
  private readonly placement: Placement | undefined;
  private readonly router: Router | undefined;
  private readonly batches: readonly Batch[];
  private readonly membership: Membership;
  private links: readonly Link[] = [];
  private readonly healthHistory: HealthHistory;
  /** The nodes' shares of a ring: they cost a walk along all points, and rings change seldom. */
  private readonly shares = oncePer((ring: Ring) => shares(ring, this.config.nodes.length));
  private readonly fullRingShares = oncePer((ring: Ring) => shares(ring, this.config.nodes.length));
  private checks: Checks | undefined;
  private selfMetrics: SelfMetricsSender | undefined;

  private constructor(config: Config, counters: Counters, log: Log) {
    this.config = config;
    this.counters = counters;
    this.log = log;
    const nodeCount = config.nodes.length;
    const placement = config.mirror ? undefined : placementOf(config);
    const router = placement && new Router(placement, config.cacheSize);
    this.placement = placement;
    this.router = router;
    this.batches = config.nodes.map(() => new Batch(config.maxDatagramBytes));
    this.relay = new Relay({
      lines: new Lines(config.types, crypto.getRandomValues(new Int32Array(1))[0]),
      router,
      batches: this.batches,
      counters,
      send: (node) => this.links[node].flush(this.batches[node], counters.nodes[node]),
    });
    this.membership = new Membership({
      nodeCount,
      rules: config,
      relay: this.relay,
      rehash: placement && router && config.failover === "rehash" ? { placement, router } : undefined,
    });
    this.healthHistory = new HealthHistory(nodeCount, Date.now());
  }

  /** Resolves the nodes and opens a link to each. What goes wrong is `start`'s to tell. */
  static async open(config: Config, counters: Counters, log: Log, start: Start): Promise<Pipeline | undefined> {
    const pipeline = await start.attempt("ring", () => new Pipeline(config, counters, log));
    const isOwn = await openOwnAddress(config);
    const nodes = await Promise.all(
      config.nodes.map(async ({ host, port, managementport }, i) => {
        const address = await start.attempt(`nodes[${i}].host`, () => resolveHost(host));
        if (address === undefined || pipeline === undefined) return undefined;
        if (isOwn(address, port)) {
          start.problems.push({
            at: `nodes[${i}]`,
            message: "this is where the proxy itself listens: metrics would go round",
          });
          return undefined;
        }
        const parts = { host: address, port, ...pipeline.linkEvents(i) };
        const link = await start.open(`nodes[${i}]`, () => Link.open(parts));
        return link && { link, checked: { host: address, managementport } };
      }),
    );
    const opened = nodes.filter((node) => node !== undefined);
    if (opened.length < nodes.length) return undefined;
    pipeline?.connect(opened);
    return pipeline;
  }

  /** Nodes as they are now, in the configuration's order. */
  nodes(): NodeView[] {
    const shares = this.sharesNow();
    return this.config.nodes.map(({ label }, i) => ({
      label,
      isUp: this.membership.isUp(i),
      counters: this.counters.nodes[i],
      batch: this.batches[i],
      ringShare: shares?.[i],
      health: this.healthHistory.of(i),
    }));
  }

  /** Where the lines of a name go. */
  route(name: Buffer): Route {
    const { placement, router, membership } = this;
    if (!placement || !router) return { now: membership.upCount > 0 ? EVERY_NODE : NO_OWNER, allUp: EVERY_NODE };
    const position = placement.position(name, 0, name.length);
    const now = ownerAt(router.ring, position);
    const held = now !== NO_OWNER && !membership.isUp(now);
    return { now: held ? NO_OWNER : now, allUp: ownerAt(placement.full, position) };
  }

  /** The last times that nodes were taken out or back, oldest first. */
  get healthChanges(): readonly HealthChange[] {
    return this.healthHistory.changes;
  }

  /** Nodes that are up. */
  get upCount(): number {
    return this.membership.upCount;
  }

  /** For a sample of the history. */
  totals(kernelDrops: number): Totals {
    const { counters } = this;
    const nodes = counters.nodes.map(({ linesRelayed }) => linesRelayed);
    const dropped = counters.nodes.map(({ linesDropped }) => sum(Object.values(linesDropped)));
    return {
      received: counters.linesReceived,
      relayed: sum(nodes),
      rejected: sum(counters.linesRejected),
      dropped: counters.linesUnowned + counters.linesFailed + sum(dropped),
      kernel_drops: kernelDrops,
      nodes,
    };
  }

  /** Where a name, or a whole line, goes now. */
  whereabouts(asked: string): Whereabouts {
    const { placement, router } = this;
    const lines = new Lines(this.config.types, 0);
    return whereabouts(asked, { lines, placed: placement && router && { placement, ring: router.ring } });
  }

  /** The owners of `parts` equal parts of the circle, now; undefined when mirroring. */
  ringPicture(parts: number): number[] | undefined {
    return this.router && ringPicture(this.router.ring, parts);
  }

  /** Each node's share of the names while all are up; undefined when mirroring. */
  fullShares(): readonly number[] | undefined {
    return this.placement && this.fullRingShares(this.placement.full);
  }

  get namesCached(): number {
    return this.router?.namesCached ?? 0;
  }

  startChecks(): void {
    this.checks?.start();
  }

  /** From now on the proxy's own figures are sent, too, if the configuration asks for it. */
  startSelfMetrics(view: () => View): void {
    const { config, counters, router, links, membership } = this;
    if (config.selfMetrics === undefined) return;
    const { prefix, interval: intervalMs } = config.selfMetrics;
    const { maxDatagramBytes } = config;
    const isUp = (node: number) => membership.isUp(node);
    const parts = { prefix, intervalMs, maxDatagramBytes, router, links, isUp, view, counters };
    this.selfMetrics = new SelfMetricsSender(parts);
  }

  /** Ends the checks and sends what waits; what no link takes any more is dropped, and counted. */
  finish(): void {
    this.checks?.stop();
    this.relay.flush();
    this.batches.forEach((batch, node) => {
      dropAll(batch, this.counters.nodes[node]);
    });
    this.selfMetrics?.finish();
  }

  private connect(nodes: readonly { link: Link; checked: CheckedNode }[]): void {
    this.links = nodes.map(({ link }) => link);
    this.checks = new Checks({
      nodes: nodes.map((node) => node.checked),
      intervalMs: this.config.checkInterval,
      isUp: (node) => this.membership.isUp(node),
      onCheck: (...result) => this.onCheck(...result),
      onSkip: (node, reason) => this.onSkip(node, reason),
    });
  }

  private sharesNow(): readonly number[] | undefined {
    return this.router && this.shares(this.router.ring);
  }

  private linkEvents(node: number) {
    const { label } = this.config.nodes[node];
    const counters = this.counters.nodes[node];
    return {
      onRefusal: () => {
        counters.refusals++;
        this.checks?.hurry(node);
      },
      onError: (errno: string, isNew: boolean) => {
        counters.sendErrors++;
        if (isNew) this.log.warn("send_failed", { node: label, errno });
      },
      onRecovery: () => this.log.info("send_recovered", { node: label }),
      onReady: () => {
        this.relay.flush();
        this.selfMetrics?.flush();
      },
    };
  }

  private onSkip(node: number, reason: string): void {
    this.counters.nodes[node].checksSkipped++;
    this.log.warn("check_skipped", { node: this.config.nodes[node].label, reason });
  }

  private onCheck(node: number, failure: string | undefined, durationMs: number): void {
    const { label } = this.config.nodes[node];
    const counters = this.counters.nodes[node];
    if (failure === undefined) counters.checksPassed++;
    else counters.checksFailed++;
    this.log.debug("check", { node: label, result: failure ?? "up" });
    const changed = this.membership.record(node, failure === undefined);
    this.healthHistory.record(
      node,
      { atMs: Date.now(), durationMs, failure },
      changed ? failure === undefined : undefined,
    );
    if (!changed) return;
    const nodes = `${this.membership.upCount} of ${this.config.nodes.length}`;
    if (failure === undefined) this.log.info("node_up", { node: label, nodes_up: nodes });
    else this.log.warn("node_down", { node: label, reason: failure, nodes_up: nodes });
  }
}

/** Says of each line what became of it. */
export function lineLog(config: Config, log: Log): LineWitness {
  const labels = config.nodes.map(({ label }) => label);
  return (line, verdict, owner) => {
    const text = escapeBytes(line);
    if (verdict !== Verdict.accepted) log.debug("line_rejected", { line: text, reason: REJECT_REASONS[verdict - 1] });
    else if (owner === NO_OWNER) log.debug("line_dropped", { line: text, reason: "no_live_node" });
    else log.debug("line", { line: text, to: owner === EVERY_NODE ? labels.join(" ") : labels[owner] });
  };
}
