/** A backend, opened and closed by itself: its batch, its link, its checks, and what became of its lines. */

import type { NodeConfig } from "../config/config.ts";
import { Checks } from "../health/checks.ts";
import { type Check, NodeHealth } from "../health/nodeHealth.ts";
import type { Log } from "../log/log.io.ts";
import { dropAll, Link } from "../net/link.ts";
import { Batch } from "../relay/batch.ts";
import { NodeCounters } from "../relay/counters.ts";
import type { RelayNode } from "../relay/relay.ts";

export interface NodeParts {
  readonly config: NodeConfig;
  /** An IP address: the configuration's host, resolved. */
  readonly host: string;
  readonly datagramBytesMax: number;
  readonly checkIntervalMs: number;
  readonly log: Log;
  /** A check has ended: what it means is to be recorded in the node's health. */
  readonly onCheck: (node: Node, check: Check) => void;
  /** The socket was full or is a new one, and takes datagrams again. */
  readonly onReady: () => void;
  /** An error of the program's own, on the way of a batch to the socket. */
  readonly onFailure: (error: Error) => void;
}

export class Node implements RelayNode {
  readonly label: string;
  readonly counters: NodeCounters;
  readonly batch: Batch;
  readonly health = new NodeHealth(Date.now());
  /** Also the way of what has a batch of its own. */
  readonly link: Link;
  private readonly checks: Checks;
  private readonly onFailure: (error: Error) => void;

  private constructor(parts: NodeParts, counters: NodeCounters, link: Link) {
    const { config, host, datagramBytesMax, checkIntervalMs, log } = parts;
    this.label = config.label;
    this.counters = counters;
    this.batch = new Batch(datagramBytesMax);
    this.link = link;
    this.onFailure = parts.onFailure;
    this.checks = new Checks({
      ...{ host, port: config.managementport, intervalMs: checkIntervalMs },
      isUp: () => this.isUp,
      onCheck: (failure, durationMs) => {
        if (failure === undefined) counters.checksPassed++;
        else counters.checksFailed++;
        log.debug("check", { node: this.label, result: failure ?? "up" });
        parts.onCheck(this, { atMs: Date.now(), durationMs, failure });
      },
      onSkip: (reason) => {
        counters.checksSkipped++;
        log.warn("check_skipped", { node: this.label, reason });
      },
    });
  }

  /** @throws what connect throws: ENETUNREACH, EACCES */
  static async open(parts: NodeParts): Promise<Node> {
    const { host, log, onReady } = parts;
    const { port, label } = parts.config;
    const counters = new NodeCounters();
    let node: Node | undefined;
    const link = await Link.open({
      ...{ host, port, onReady },
      onRefusal: () => {
        counters.refusals++;
        node?.checks.checkSoon();
      },
      onError: (errno, isNew) => {
        counters.sendErrors++;
        if (isNew) log.warn("send_failed", { node: label, errno });
      },
      onRecovery: () => log.info("send_recovered", { node: label }),
    });
    node = new Node(parts, counters, link);
    return node;
  }

  get isUp(): boolean {
    return this.health.isUp;
  }

  /** Does not throw: what waits, waits on, and those who go on with other nodes are not held up. */
  send(): void {
    try {
      this.link.flush(this.batch, this.counters);
    } catch (error) {
      this.onFailure(error as Error);
    }
  }

  /** @param delayMs when the first check is due; without a management port there is none */
  startChecks(delayMs: number): void {
    this.checks.start(delayMs);
  }

  stopChecks(): void {
    this.checks.stop();
  }

  /** Gives up what waits, which is counted. */
  drop(): void {
    dropAll(this.batch, this.counters);
  }

  close(): void {
    this.checks.stop();
    this.link.close();
  }
}
