/**
 * A backend, opened and closed on its own: its batch, its link, its checks, and the counters of its lines. Its settings
 * may change; it stays the same object as long as its label is in the configuration.
 */
import type { NodeConfig } from "../config/config.ts";
import { checkOf } from "../config/nodeCheck.ts";
import { Checks } from "../health/checks.ts";
import { type Check, NodeHealth } from "../health/nodeHealth.ts";
import type { RefusingHosts } from "../health/refusingHost.ts";
import type { Log } from "../log/log.ts";
import { dropAll, type Link } from "../net/link.ts";
import { OtherDatagrams } from "../net/otherDatagrams.ts";
import { UdpLink } from "../net/udpLink.ts";
import { RateMeter } from "../observe/rateMeter.ts";
import { Batch } from "../relay/batch.ts";
import { NodeCounters } from "../relay/counters.ts";
import type { RelayNode } from "../relay/relay.ts";
import type { Platform } from "./platform.ts";

export interface NodeSettings {
  readonly config: NodeConfig;
  /** What the address is found by; undefined: the configuration says the address. */
  readonly hostName: string | undefined;
  /** An IP address; undefined: there is none yet, and nothing can be sent. */
  readonly host: string | undefined;
  readonly datagramBytesMax: number;
  readonly checkIntervalMs: number;
}

export interface NodeParts {
  readonly platform: Pick<Platform, "clock" | "network">;
  /** Of all nodes. */
  readonly refusingHosts: RefusingHosts;
  readonly log: Log;
  /** A check has ended: its result must be recorded in the node's health. */
  readonly onCheck: (node: Node, check: Check) => void;
  /** The socket was full or has been reopened, and takes datagrams again. */
  readonly onReady: () => void;
  /** A bug showed up while a batch was being sent. */
  readonly onFailure: (error: Error) => void;
}

export class Node implements RelayNode {
  readonly label: string;
  readonly counters = new NodeCounters();
  readonly batch: Batch;
  readonly health: NodeHealth;
  /** Rate of relayed lines. */
  readonly rate = new RateMeter();
  private readonly parts: NodeParts;
  private settings: NodeSettings;
  /** Undefined while there is no address. */
  private link: Link | undefined;
  private checks: Checks | undefined;
  private readonly others: OtherDatagrams;

  private constructor(settings: NodeSettings, parts: NodeParts) {
    this.label = settings.config.label;
    this.batch = new Batch(settings.datagramBytesMax);
    this.health = new NodeHealth(parts.platform.clock.epochMs());
    this.others = new OtherDatagrams(parts.platform.clock);
    this.parts = parts;
    this.settings = settings;
  }

  /** No check runs before `startChecks`. @throws what connect throws: ENETUNREACH, EACCES */
  static async open(settings: NodeSettings, parts: NodeParts): Promise<Node> {
    const node = new Node(settings, parts);
    if (settings.host !== undefined) node.link = await node.openLink(settings.host, settings.config.port);
    return node;
  }

  get config(): NodeConfig {
    return this.settings.config;
  }

  get isUp(): boolean {
    return this.health.isUp;
  }

  /** What its address is found by; undefined: the configuration says the address. */
  get hostName(): string | undefined {
    return this.settings.hostName;
  }

  /** The address that it is sent to; undefined: there is none yet. */
  get address(): string | undefined {
    return this.settings.host;
  }

  /** Whether that is its address now. */
  isAt(host: string, port: number): boolean {
    return host === this.settings.host && port === this.settings.config.port;
  }

  /** Opens a link to another address, to be passed to `use`. @throws what connect throws: ENETUNREACH, EACCES */
  async openLink(host: string, port: number): Promise<Link> {
    const { counters, label } = this;
    const { platform, log, onReady } = this.parts;
    const { network, clock } = platform;
    return await UdpLink.open({
      ...{ host, port, network, clock, onReady },
      onRefusal: () => {
        counters.refusals++;
        // Each refusal answers one datagram, which has at least one line, unless it was another's.
        if (!this.others.refused()) counters.linesRefused++;
        this.checks?.refused();
      },
      onError: (errno, isNew) => {
        counters.sendErrors++;
        if (isNew) log.warn("send_failed", { node: label, errno });
      },
      onRecovery: () => log.info("send_recovered", { node: label }),
    });
  }

  /**
   * Applies other settings. What is pending is kept, and sent over the new link if there is one. Without an address it
   * is sent now, or never.
   * @param link undefined: keep the current one, as long as there is an address
   * @param delayMs until the first check, at most, if the checks change
   */
  use(settings: NodeSettings, link: Link | undefined, delayMs: number): void {
    const before = this.settings;
    this.settings = settings;
    this.batch.datagramBytesMax = settings.datagramBytesMax;
    if (settings.host === undefined) {
      this.send();
      this.drop();
    }
    if (link || settings.host === undefined) {
      this.link?.close();
      this.link = link;
    }
    const isAskedAsBefore =
      settings.host === before.host &&
      settings.config.port === before.config.port &&
      Bun.deepEquals(checkOf(settings.config), checkOf(before.config));
    if (!isAskedAsBefore) this.startChecks(delayMs);
    else if (settings.checkIntervalMs !== before.checkIntervalMs)
      this.checks?.useInterval(settings.checkIntervalMs, delayMs);
  }

  /** Does not throw: the batch is kept, and callers can go on to other nodes. */
  send(): void {
    try {
      this.flush(this.batch, this.counters);
    } catch (error) {
      this.parts.onFailure(error as Error);
    }
  }

  /** Also used for the proxy's own metrics, which have a batch of their own. */
  flush(batch: Batch, counters: NodeCounters): void {
    if (counters !== this.counters) this.others.expect(batch.datagrams);
    this.link?.flush(batch, counters);
  }

  /**
   * Without an address there are no checks.
   * @param delayMs until the first check, at most: it comes when the next of those before would have, or a proxy that is
   *   often reloaded would never check
   */
  startChecks(delayMs: number): void {
    const soonestMs = Math.min(delayMs, this.checks?.nextInMs ?? delayMs);
    this.stopChecks();
    const { counters, label } = this;
    const { platform, refusingHosts, log, onCheck } = this.parts;
    const { clock, network } = platform;
    const { host, config, checkIntervalMs } = this.settings;
    if (host === undefined) return;
    this.checks = new Checks({
      ...{ host, port: config.port, check: checkOf(config), intervalMs: checkIntervalMs, network, clock },
      refusingHost: refusingHosts.of(host),
      sendEmptyLine: () => {
        if (this.link === undefined) return "there is no socket";
        this.others.expect(1);
        return this.link.sendEmptyLine();
      },
      isUp: () => this.health.isWell,
      onCheck: (failure, durationMs) => {
        if (failure === undefined) counters.checksPassed++;
        else counters.checksFailed++;
        log.debug("check", { node: label, result: failure ?? "up" });
        onCheck(this, { atMs: clock.epochMs(), durationMs, failure });
      },
      onSkip: (reason) => {
        counters.checksSkipped++;
        log.warn("check_skipped", { node: label, reason });
      },
    });
    this.checks.start(soonestMs);
  }

  stopChecks(): void {
    this.checks?.stop();
    this.checks = undefined;
  }

  /** Drops what is pending, and counts it. */
  drop(): void {
    dropAll(this.batch, this.counters);
  }

  close(): void {
    this.stopChecks();
    this.others.close();
    this.link?.close();
  }
}
