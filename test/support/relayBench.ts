/** A relay on a bench: real batches, counters and routes; instead of sockets, lists of what they were given. */

import type { NodeConfig } from "../../src/config/config.ts";
import { coreMemory } from "../../src/core/core.ts";
import { Inbox } from "../../src/core/inbox.ts";
import { NodeHealth } from "../../src/health/nodeHealth.ts";
import type { View } from "../../src/observe/view.ts";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { type Locator, locatorOf } from "../../src/placement/locator.ts";
import { Placement } from "../../src/placement/placement.ts";
import { shares } from "../../src/placement/ring.ts";
import { Lines } from "../../src/protocol/line.ts";
import { Batch } from "../../src/relay/batch.ts";
import { Counters, NodeCounters } from "../../src/relay/counters.ts";
import { Relay, type RelayNode } from "../../src/relay/relay.ts";
import { DEFAULT_TYPES } from "./naiveLines.ts";
import { Slots } from "./slots.ts";
import { QUIET_VIEW } from "./viewParts.ts";

export const BENCH_LABELS = ["127.0.0.1:8130", "127.0.0.1:8131", "127.0.0.1:8132"];
const BENCH_NODES: readonly NodeConfig[] = BENCH_LABELS.map((label, i) => ({
  ...{ host: "127.0.0.1", port: 8130 + i, managementport: 8140 + i, weight: 1, discover: false, label },
}));
const NODES = BENCH_LABELS.map((label) => ({ label, weight: 1 }));

/** Where names go on every bench. */
export const PLACEMENT = new Placement("farmhash", NODES, loadFingerprint32());

const BENCH_SHARES = shares(PLACEMENT.full, NODES.length);

export interface RelayBenchParts {
  readonly mirror?: boolean;
  readonly datagramBytesMax?: number;
  readonly cacheSize?: number;
  readonly placement?: Placement;
}

/** A node whose socket is a list of what it was given. */
export class BenchNode implements RelayNode {
  readonly label: string;
  readonly config: NodeConfig;
  readonly counters = new NodeCounters();
  readonly batch: Batch;
  readonly health = new NodeHealth(0);
  /** Datagrams that the socket took. */
  readonly sent: string[] = [];
  /** The most datagrams that the socket takes in one go. */
  takes = Number.POSITIVE_INFINITY;

  private isUpAsTold: boolean | undefined;

  constructor(config: NodeConfig, datagramBytesMax: number) {
    this.label = config.label;
    this.config = config;
    this.batch = new Batch(datagramBytesMax);
  }

  get isUp(): boolean {
    return this.isUpAsTold ?? this.health.isUp;
  }

  /** Whatever its checks say. */
  set isUp(isUp: boolean) {
    this.isUpAsTold = isUp;
  }

  send(): void {
    const views = this.batch.views().slice(0, this.takes);
    this.sent.push(...views.map((bytes) => bytes.toString("latin1")));
    this.counters.linesRelayed += this.batch.shift(views.length);
  }
}

export class RelayBench {
  readonly relay: Relay;
  /** Undefined when mirroring. */
  readonly locator: Locator | undefined;
  readonly counters = new Counters();
  readonly nodes: readonly BenchNode[];
  readonly failures: string[] = [];
  private readonly inbox = new Inbox();

  constructor({ mirror = false, datagramBytesMax = 1432, cacheSize = 64, placement = PLACEMENT }: RelayBenchParts) {
    this.nodes = BENCH_NODES.map((config) => new BenchNode(config, datagramBytesMax));
    this.locator = mirror ? undefined : locatorOf(placement, cacheSize);
    const lines = new Lines(DEFAULT_TYPES, 1);
    const { locator, nodes, counters } = this;
    const onFailure = (error: Error) => void this.failures.push(error.message);
    this.relay = new Relay({ lines, locator, nodes, counters, onFailure });
  }

  /** A datagram arrives; latin1, a character a byte. What lies around it in memory would be metrics, too. */
  receive(datagram: string): void {
    const around = "around:1|c\n";
    const bytes = Buffer.from(`${around}${datagram}\n${around}`, "latin1");
    const at = this.inbox.bring(bytes, 0, bytes.length) + around.length;
    this.relay.datagram(coreMemory.bytes, at, at + datagram.length);
  }

  /** Datagrams arrive in one read. */
  receiveTogether(datagrams: readonly string[]): void {
    const slots = new Slots(datagrams.length, Math.max(...datagrams.map(({ length }) => length)));
    this.relay.datagrams(slots.of(...datagrams.map((datagram) => Buffer.from(datagram, "latin1"))));
  }

  /** It is not used any more: its memory can be another's. */
  release(): void {
    for (const { batch } of this.nodes) batch.release();
  }

  /** Lines that the socket of the node took. */
  linesSent(node: number): string[] {
    return this.nodes[node].sent.flatMap((datagram) => datagram.split("\n"));
  }

  /** Lines that wait in the batch of the node. */
  linesWaiting(node: number): string[] {
    return this.nodes[node].batch.views().flatMap((bytes) => bytes.toString("latin1").split("\n"));
  }

  /** Lines of the node that were dropped, for whatever reason. */
  linesDropped(node: number): number {
    return Object.values(this.nodes[node].counters.linesDropped).reduce((sum, lines) => sum + lines, 0);
  }

  /** What the console would be shown now. */
  view(): View {
    return {
      ...QUIET_VIEW,
      uptimeSeconds: 51.9,
      counters: this.counters,
      configuration: { hash: "0123456789ab", loadedAtSeconds: 1_700_000_000, isLatest: true },
      nodes: NODES.map(({ label }, node) => ({
        label,
        config: BENCH_NODES[node],
        address: BENCH_NODES[node].host,
        isUp: this.nodes[node].isUp,
        counters: this.nodes[node].counters,
        batch: this.nodes[node].batch,
        ringShare: this.locator && BENCH_SHARES[node],
        fullShare: this.locator && BENCH_SHARES[node],
        health: {
          ...{ sinceMs: 0, ownChanges: 0, noAddress: undefined, state: "up" as const },
          ...{ isWell: true, lastCheck: { atMs: 0, durationMs: 2, failure: undefined }, lastFailure: undefined },
        },
        rate: undefined,
      })),
      retired: { nodes: 0, counters: new NodeCounters(), linesPending: 0 },
      loop: undefined,
      namesCached: this.locator?.namesCached ?? 0,
      receiveBufferBytes: 425_984,
      kernelDrops: 7,
      logLinesLost: 0,
      eventLoopLag: { lastSeconds: 0.001, maxSeconds: 0.02 },
      resources: { startedAtSeconds: 1_700_000_000, cpuSeconds: 1.5, residentBytes: 9000, heapUsedBytes: 1000 },
    };
  }
}
