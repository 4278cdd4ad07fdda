/**
 * Nodes that share the metrics, by placement or mirrored:
 *
 *     relay: lines -> locator -> batch of a node -> link -> backend
 *                      ^ ring <- membership <- checks of the nodes
 *
 * When the configuration changes, or what its names mean, `prepare` opens what is new, and a commit swaps it in between
 * two datagrams. A node that is there before and after is the same object.
 */

import type { Config, NodeConfig } from "../config/config.ts";
import type { Check, HealthChange, OperatorWord } from "../health/nodeHealth.ts";
import { RefusingHosts } from "../health/refusingHost.ts";
import type { Log } from "../log/log.ts";
import type { Link } from "../net/link.ts";
import { type IsOwn, ownTest } from "../net/ownAddress.ts";
import { ASK_AGAIN_MS, Resolver } from "../net/resolver.ts";
import type { Totals } from "../observe/history.ts";
import type { NodeSetting } from "../observe/nodeSetting.ts";
import { SelfMetricsSender } from "../observe/selfMetricsSender.ts";
import type { NodeView, Retired, View } from "../observe/view.ts";
import { whyDown } from "../observe/whyDown.ts";
import { type Destination, destinationOf } from "../placement/destination.ts";
import { type Locator, locatorOf } from "../placement/locator.ts";
import { memoizeLast } from "../placement/memoizeLast.ts";
import { canMove, type LabelledRing, movedShare } from "../placement/movedShare.ts";
import type { Placement } from "../placement/placement.ts";
import { placementSteps } from "../placement/placementOf.ts";
import { type Ring, shares } from "../placement/ring.ts";
import { Lines } from "../protocol/line.ts";
import { allDropped, type Counters, sum } from "../relay/counters.ts";
import { Relay } from "../relay/relay.ts";
import type { Timer } from "../system/clock.ts";
import { hostPort } from "../text/hostPort.ts";
import { isIP } from "../text/ip.ts";
import { listText } from "../text/list.ts";
import { healthEvent, movedPercent, type NodesUp } from "./healthEvents.ts";
import { Membership } from "./membership.ts";
import { Node, type NodeSettings } from "./node.ts";
import { isUnopened, type Opening } from "./opening.ts";
import type { Platform } from "./platform.ts";
import { RetiredNodes } from "./retiredNodes.ts";
import { hostsOf, OWN, type OwnAddress, type WantedNode, wantedNodes } from "./wantedNodes.ts";

export interface ClusterParts {
  readonly platform: Platform;
  readonly log: Log;
  readonly counters: Counters;
  /** For the proxy's own metrics. */
  readonly view: () => View;
  /**
   * Names have other addresses, or an address may have a route: the same configuration should be prepared and committed
   * again.
   */
  readonly onNamesChanged: () => void;
  /** A bug showed up; the metrics keep flowing. */
  readonly onFailure: (error: Error) => void;
}

/** Where names go, and what finds it. */
interface Placed {
  readonly placement: Placement;
  readonly locator: Locator;
}

/** A node as it is wanted next. */
interface PreparedNode {
  readonly node: Node;
  readonly settings: NodeSettings;
  /** To its new address, if it has one. */
  readonly link: Link | undefined;
  /** What is wrong with the addresses that its name has now, for people. */
  readonly failure: string | undefined;
}

/** What a commit puts in place. */
interface Prepared {
  readonly nodes: readonly PreparedNode[];
  readonly placed: Placed | undefined;
  /** Addresses that names have, and nodes cannot. */
  readonly own: readonly OwnAddress[];
  /** Of what the names mean. */
  readonly version: number;
}

/** Addresses of a name that are tried until one can be connected to. */
const ADDRESSES_TRIED_MAX = 8;
/** Nodes whose first checks are at one time: one of them pays for waking up. */
const CHECKED_TOGETHER = 8;
const NO_ADDRESS = "it has no address";
/** Labels that a log event lists. */
const LABELS_LISTED_MAX = 10;

export class Cluster {
  readonly relay: Relay;
  private readonly parts: ClusterParts;
  /** Seed of the hashes of names. It never changes, so the locator's cache stays valid. */
  private readonly seed: number;
  private config: Config | undefined;
  private nodes: readonly Node[] = [];
  private placement: Placement | undefined;
  private locator: Locator | undefined;
  private readonly resolver: Resolver;
  /** Host names whose next answer counts even if it is the same: a node could not be opened at one of their addresses. */
  private unsettledHosts: ReadonlySet<string> = new Set();
  /** Prepares the same configuration again, while an address that it says cannot be reached. */
  private retry: Timer | undefined;
  /** What was told last of the addresses of names, by node and address, so that it is told once. */
  private warnings: ReadonlySet<string> = new Set();
  /** Where metrics arrive, as of the last look. */
  private listening: { readonly host: string; readonly address: string | undefined } | undefined;
  private readonly membership: Membership;
  private readonly retiredNodes: RetiredNodes;
  private readonly refusingHosts = new RefusingHosts();
  private readonly selfMetrics: SelfMetricsSender;
  /** Each node's share of a ring. Cached, because it costs a walk over all points, and rings rarely change. */
  private readonly shares = memoizeLast((ring: Ring) => shares(ring, this.nodes.length));
  private readonly movedTo = memoizeLast((ring: Ring) => {
    const full = this.fullRing();
    return full && movedShare(full, { ...full, ring });
  });
  private readonly fullRingShares = memoizeLast((ring: Ring) => shares(ring, this.nodes.length));

  constructor(parts: ClusterParts) {
    const { platform, counters, view, log } = parts;
    const { clock, network } = platform;
    this.parts = parts;
    this.seed = platform.random32();
    const { onFailure } = parts;
    this.relay = new Relay({ lines: new Lines([]), locator: undefined, nodes: [], counters, onFailure });
    this.resolver = new Resolver({
      ...{ service: network.nameService, clock, log },
      onAnswer: (host, hasChanged) => {
        if (hasChanged || this.unsettledHosts.has(host)) parts.onNamesChanged();
      },
    });
    this.membership = new Membership({ nodes: [], rules: { fall: 1, rise: 1 }, placed: undefined, holds: false });
    this.retiredNodes = new RetiredNodes(clock, parts.log);
    this.selfMetrics = new SelfMetricsSender({ clock, counters, view, onFailure });
  }

  /** Opens what is new in the next configuration, or behind its names. Returns the number of nodes. */
  async prepare(next: Config, opening: Opening): Promise<number> {
    await this.resolver.prepare(hostsOf(next.nodes));
    const isOwn = await this.isOwnOf(next);
    const { version } = this.resolver;
    const wanted = wantedNodes(next.nodes, (host) => this.resolver.resolutionOf(host), isOwn);
    for (const own of wanted.own) if (this.isNew(own, next)) opening.problems.push({ at: own.at, message: OWN });
    const placed = await opening.attempt("ring", () => this.placedOf(next, wanted.nodes));
    const known = new Map(this.nodes.map((node) => [node.label, node]));
    const prepared = await Promise.all(
      wanted.nodes.map((node) => this.prepareNode(next, node, known.get(node.config.label), isOwn, opening)),
    );
    const nodes = prepared.filter((node) => node !== undefined);
    // One without a route is down, and tried again. Without any other, and no name to wait for, there is nothing to start for.
    const isHopeless = ({ hostName }: WantedNode, i: number) =>
      hostName === undefined && prepared[i]?.settings.host === undefined;
    if (next !== this.config && wanted.nodes.every(isHopeless)) {
      for (const [i, { at }] of wanted.nodes.entries()) {
        const failure = prepared[i]?.failure;
        if (failure !== undefined) opening.problems.push({ at, message: failure });
      }
    }
    opening.onCommit(() => this.commit(next, { nodes, placed, own: wanted.own, version }));
    return nodes.length;
  }

  /** In the order of the configuration. */
  get backends(): readonly Node[] {
    return this.nodes;
  }

  /** The nodes now, in the order of the configuration. */
  views(): NodeView[] {
    const ringShares = this.locator && this.shares(this.locator.ring);
    const fullShares = this.placement && this.fullRingShares(this.placement.full);
    return this.nodes.map((node, i) => ({
      label: node.label,
      config: node.config,
      address: node.address,
      isUp: node.isUp,
      counters: node.counters,
      batch: node.batch,
      ringShare: ringShares?.[i],
      fullShare: fullShares?.[i],
      health: node.health.view(),
      rate: node.isUp ? node.rate.perSecond : node.rate.perSecond && 0,
    }));
  }

  isUp(label: string): boolean {
    return this.nodes.some((node) => node.label === label && node.isUp);
  }

  get hasLiveNode(): boolean {
    return this.nodes.some(({ isUp }) => isUp);
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

  clearRates(): void {
    for (const { rate } of this.nodes) rate.clear();
  }

  /** Takes a sample for the rates, once a second. @param atMs on a monotonic clock */
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

  /** Labels of all nodes. */
  labels(): string[] {
    return this.nodes.map(({ label }) => label);
  }

  /** The ring of all nodes, whichever are up; undefined when mirroring. */
  fullRing(): LabelledRing | undefined {
    const { placement } = this;
    return placement && { ring: placement.full, labels: this.labels() };
  }

  /** An operator says how a node should be. Undefined: there is no node of that label. */
  setNode(label: string, word: OperatorWord): NodeSetting | undefined {
    const node = this.nodes.find((node) => node.label === label);
    if (node === undefined) return undefined;
    const { log, platform } = this.parts;
    const { word: was } = node.health;
    const ringBefore = this.currentRing();
    if (word !== was) this.membership.set(node, word, platform.clock.epochMs());
    const ring = this.currentRing();
    const movedPart = ring && ringBefore && movedShare(ringBefore, ring);
    const upCount = this.membership.upCount;
    if (word !== was) {
      const moved = movedPercent(ring && ringBefore && canMove(ringBefore.ring, ring.ring) ? movedPart : undefined);
      log.info("node_set", { node: label, from: was, to: word, state: node.health.state, ...moved, ...this.nodesUp() });
    }
    const holds = this.config?.failover === "hold" && !this.config.mirror;
    const { isWell } = node.health;
    return { word, was, isWell, failure: whyDown(node), movedPart, share: this.shareOf(node), holds, upCount };
  }

  private currentRing(): LabelledRing | undefined {
    return this.locator && { ring: this.locator.ring, labels: this.labels() };
  }

  private shareOf(node: Node): number | undefined {
    return this.locator && this.shares(this.locator.ring)[this.nodes.indexOf(node)];
  }

  /** Where a name, or a whole line, goes now. */
  destinationOf(asked: Buffer): Destination {
    const { placement, locator, nodes, config } = this;
    const placed = placement && locator && { placement, ring: locator.ring };
    return destinationOf(asked, { types: config?.types ?? [], placed, nodes });
  }

  /** Share of the names that are not at their owner now; undefined when mirroring. */
  get namesMoved(): number | undefined {
    const { placement, locator } = this;
    return placement && locator && this.movedTo(locator.ring);
  }

  get namesCached(): number {
    return this.locator?.namesCached ?? 0;
  }

  /** Stops the checks and sends what is pending; what no link takes is dropped and counted. */
  finish(): void {
    this.resolver.close();
    this.stopRetry();
    for (const node of this.nodes) node.stopChecks();
    this.relay.flush();
    for (const node of this.nodes) {
      node.drop();
      this.forgetWord(node, "the proxy stops");
    }
    this.retiredNodes.finish();
    this.selfMetrics.finish();
  }

  close(): void {
    this.resolver.close();
    this.stopRetry();
    for (const node of this.nodes) node.close();
    this.retiredNodes.finish();
    this.selfMetrics.close();
  }

  /** Undefined, and a problem: the configuration says an address that is no good. */
  private async prepareNode(
    next: Config,
    { config, at, hostName, addresses, failure }: WantedNode,
    known: Node | undefined,
    isOwn: IsOwn,
    opening: Opening,
  ): Promise<PreparedNode | undefined> {
    const { maxDatagramBytes: datagramBytesMax, checkInterval: checkIntervalMs } = next;
    const settingsAt = (host: string | undefined) => ({ config, hostName, host, datagramBytesMax, checkIntervalMs });
    const openAt = (host: string): Promise<Node | Link> =>
      known ? known.openLink(host, config.port) : this.openNode(settingsAt(host));
    const preparedAt = (host: string | undefined, opened: Node | Link | undefined, failure?: string) => {
      const isNode = opened instanceof Node;
      const node = isNode ? opened : (known as Node);
      return { node, settings: settingsAt(host), link: isNode ? undefined : opened, failure };
    };
    const before = known !== undefined && known.hostName === hostName ? known.address : undefined;
    // The proxy may listen there by now.
    const lastGood = hostName !== undefined && before !== undefined && isOwn(before, config.port) ? undefined : before;
    let problem = failure;
    for (const host of candidates(addresses, lastGood)) {
      if (known?.isAt(host, config.port)) return preparedAt(host, undefined);
      const opened = await opening.tryToOpen(() => openAt(host));
      if (!isUnopened(opened)) return preparedAt(host, opened);
      // Of the configuration in force nothing is refused: a route may have come that forbids the address.
      if (hostName === undefined && !opened.isUnreachable && next !== this.config) {
        opening.problems.push({ at, message: opened.reason });
        return undefined;
      }
      problem = hostName === undefined ? opened.reason : `${hostPort(host, config.port)}: ${opened.reason}`;
    }
    // The proxy's own address: that is a problem already, unless the machine has got it since.
    if (addresses.length === 0 && hostName === undefined && known === undefined) return undefined;
    if (hostName !== undefined && lastGood !== undefined && known?.isAt(lastGood, config.port))
      return preparedAt(lastGood, undefined, problem);
    return preparedAt(undefined, known ? undefined : await this.openNode(settingsAt(undefined)), problem);
  }

  private openNode(settings: NodeSettings): Promise<Node> {
    const { platform, log, onFailure } = this.parts;
    const { refusingHosts } = this;
    return Node.open(settings, {
      ...{ platform, refusingHosts, log, onFailure },
      onCheck: (node, check) => this.onCheck(node, check),
      onReady: () => this.flush(),
    });
  }

  /** The current placement, if names will be placed the same way. @throws as `placementOf` */
  private async placementOf({ mirror, ring }: Config, wanted: readonly WantedNode[]): Promise<Placement | undefined> {
    if (mirror) return undefined;
    const { placement, nodes: before } = this;
    const nodes = wanted.map(({ config }) => config);
    const isSame =
      placement !== undefined &&
      this.config?.ring === ring &&
      before.length === nodes.length &&
      before.every(({ label, config }, i) => label === nodes[i].label && config.weight === nodes[i].weight);
    if (isSame) return placement;
    const { platform, log } = this.parts;
    const { loadFingerprint32, clock } = platform;
    const load = () => loadFingerprint32((reason) => log.warn("addon_missing", { reason }));
    const steps = placementSteps({ ring, nodes }, load, placement);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      // Metrics are relayed in between.
      await new Promise<void>((resolve) => clock.setImmediate(resolve));
    }
  }

  /** The same with its locator, whose cache is kept if it can be. Memory for another may be too much to get. */
  private async placedOf(next: Config, wanted: readonly WantedNode[]): Promise<Placed | undefined> {
    const placement = await this.placementOf(next, wanted);
    if (placement === undefined) return undefined;
    const { locator, config } = this;
    const isSame = locator !== undefined && placement === this.placement && config?.cacheSize === next.cacheSize;
    return { placement, locator: isSame ? locator : locatorOf(placement, next.cacheSize) };
  }

  /** Based on this machine's current addresses. A host that does not resolve matches nothing. */
  private async isOwnOf(listening: Config): Promise<IsOwn> {
    const { network } = this.parts.platform;
    const { host, port } = listening;
    // A changed name of a node must not wait for one that has been looked up.
    if (this.listening?.host !== host) {
      this.listening = { host, address: await network.resolve(host).catch(() => undefined) };
    }
    return ownTest({ address: this.listening.address, port }, network.ownAddresses());
  }

  /** Whether the configuration is to blame for an address of the proxy's own: not if its name has only now got it. */
  private isNew({ config }: OwnAddress, next: Config): boolean {
    if (next === this.config) return false;
    const isKnown = ({ host, port }: NodeConfig) => host === config.host && port === config.port;
    const isListeningKept = next.host === this.config?.host && next.port === this.config.port;
    return isIP(config.host) !== 0 || !isListeningKept || !this.config?.nodes.some(isKnown);
  }

  private commit(next: Config, { nodes: prepared, placed, own, version }: Prepared): void {
    const before = this.config;
    const nodesBefore = this.nodes;
    const ringBefore = this.fullRing();
    const nodes = prepared.map(({ node }) => node);
    const { placement, locator } = placed ?? {};
    const isPlacedAsBefore = locator === this.locator;
    this.config = next;
    this.nodes = nodes;
    this.placement = placement;
    this.locator = locator;

    const kept = new Set(nodesBefore);
    prepared.forEach(({ node, settings, link }, i) => {
      // Spread the nodes' checks over the interval. Later those share a wake-up that are near each other.
      const delayMs = ((i - (i % CHECKED_TOGETHER)) * next.checkInterval) / nodes.length;
      if (kept.delete(node)) this.useNode(node, settings, link, delayMs);
      else node.startChecks(delayMs);
    });
    const lines = new Lines(next.types, locator?.isHashed ? this.seed : undefined);
    this.relay.use({ lines, locator, nodes });
    this.membership.use({ nodes, rules: next, placed, holds: next.failover === "hold" });
    for (const { node, failure = NO_ADDRESS } of prepared) {
      if (node.address === undefined) this.loseAddress(node, failure);
      else if (node.health.noAddress !== undefined) this.release(node);
    }
    if (!isPlacedAsBefore || before?.failover !== next.failover) this.membership.place();
    const { selfMetrics, maxDatagramBytes: datagramBytesMax } = next;
    this.selfMetrics.use(selfMetrics && { ...selfMetrics, datagramBytesMax, locator, nodes }, before === undefined);
    // What is pending for removed nodes is still sent.
    for (const node of kept) {
      this.retiredNodes.add(node);
      this.forgetWord(node, "it is no longer in the configuration");
    }
    // The socket that a node's lines were waiting for may be gone, and with it what would have told that it has room.
    this.relay.flush();

    this.logDiscovered(nodesBefore, ringBefore);
    this.settle(prepared, own);
    this.resolver.use(hostsOf(next.nodes), next.resolveInterval);
    // Whether one of their addresses can be connected to by now.
    for (const { node } of prepared)
      if (node.address === undefined && node.hostName !== undefined) this.resolver.askSoon(node.hostName);
    // Answers that came while all this was prepared.
    if (this.resolver.version !== version) this.parts.onNamesChanged();
  }

  private useNode(node: Node, settings: NodeSettings, link: Link | undefined, delayMs: number): void {
    const { address: from, config: before } = node;
    node.use(settings, link, delayMs);
    const to = node.address;
    if (from === undefined || to === undefined || link === undefined) return;
    const addresses = { from: hostPort(from, before.port), to: hostPort(to, node.config.port) };
    this.parts.log.info("node_moved", { node: node.label, ...addresses });
  }

  /** Nodes that have come or gone with the addresses of names. */
  private logDiscovered(nodesBefore: readonly Node[], ringBefore: LabelledRing | undefined): void {
    const labelsOf = (nodes: readonly Node[]) =>
      nodes.filter(({ config }) => config.discover).map(({ label }) => label);
    const before = new Set(labelsOf(nodesBefore));
    const after = labelsOf(this.nodes);
    const added = after.filter((label) => !before.delete(label));
    const removed = [...before];
    if (added.length + removed.length === 0) return;
    const ring = this.fullRing();
    const moved = ringBefore && ring && movedShare(ringBefore, ring);
    this.parts.log.info("nodes_discovered", {
      ...(added.length > 0 && { added: listText(added, LABELS_LISTED_MAX) }),
      ...(removed.length > 0 && { removed: listText(removed, LABELS_LISTED_MAX) }),
      nodes: this.nodes.length,
      ...movedPercent(moved),
    });
  }

  /** Warns of addresses that cannot be used, once, and remembers to try again. */
  private settle(prepared: readonly PreparedNode[], own: readonly OwnAddress[]): void {
    const { log } = this.parts;
    const unsettled = new Set(own.map(({ config }) => config.host));
    const warnings = new Set<string>();
    const warnOnce = (node: string, reason: string) => {
      const key = `${node} ${reason}`;
      if (!this.warnings.has(key)) log.warn("address_unusable", { node, reason });
      warnings.add(key);
    };
    for (const { config, address } of own) warnOnce(config.label, `${hostPort(address, config.port)}: ${OWN}`);
    for (const { node, failure } of prepared) {
      if (node.hostName !== undefined && (failure !== undefined || node.address === undefined))
        unsettled.add(node.hostName);
      // Of a node without an address it is told why it is down.
      if (failure !== undefined && node.address !== undefined) warnOnce(node.label, failure);
    }
    this.unsettledHosts = unsettled;
    this.warnings = warnings;
    this.retryUnreachable(prepared.some(({ node }) => node.hostName === undefined && node.address === undefined));
  }

  /** Nobody tells when there is a route to an address. */
  private retryUnreachable(isWanted: boolean): void {
    const { clock } = this.parts.platform;
    if (isWanted) this.retry ??= clock.setInterval(() => this.parts.onNamesChanged(), ASK_AGAIN_MS);
    else this.stopRetry();
  }

  private stopRetry(): void {
    this.parts.platform.clock.cancel(this.retry);
    this.retry = undefined;
  }

  private flush(): void {
    this.relay.flush();
    this.retiredNodes.flush();
    this.selfMetrics.flush();
  }

  private onCheck(node: Node, check: Check): void {
    if (check.failure !== undefined && node.hostName !== undefined) this.resolver.askSoon(node.hostName);
    if (this.membership.record(node, check)) this.logChange();
  }

  private forgetWord({ label, health: { word } }: Node, reason: string): void {
    if (word !== "up") this.parts.log.warn("node_forgotten", { node: label, word, reason });
  }

  /** A node without an address counts as down. */
  private loseAddress(node: Node, reason: string): void {
    if (this.membership.loseAddress(node, reason, this.parts.platform.clock.epochMs())) this.logChange();
  }

  /** A node that has an address again counts as up. */
  private release(node: Node): void {
    if (this.membership.release(node, this.parts.platform.clock.epochMs())) this.logChange();
  }

  private logChange(): void {
    const change = this.membership.changes.at(-1) as HealthChange;
    const { level, event, fields } = healthEvent(change, this.nodesUp());
    this.parts.log[level](event, fields);
  }

  private nodesUp(): NodesUp {
    return { nodes_up: this.membership.upCount, nodes: this.nodes.length };
  }
}

/** Addresses to try, in this order: the one in use stays as long as the name has it, or has none. */
function candidates(addresses: readonly string[], lastGood: string | undefined): readonly string[] {
  if (lastGood !== undefined && (addresses.length === 0 || addresses.includes(lastGood))) return [lastGood];
  return addresses.slice(0, ADDRESSES_TRIED_MAX);
}
