/** What HTTP tells programs, and the page, as JSON. Times and durations are milliseconds, shares go from 0 to 1. */
import type { Config } from "../config/config.ts";
import { hostPort } from "../config/config.ts";
import type { HealthChange } from "../health/nodeHealth.ts";
import type { History, HistorySlice } from "../observe/history.ts";
import { nodeStatsOf, proxyStatsOf } from "../observe/readings.ts";
import type { View } from "../observe/view.ts";
import type { Whereabouts } from "../placement/destination.ts";
import { joinedBy } from "../text/pieces.ts";

export interface StatusJson {
  readonly version: string;
  readonly now_ms: number;
  readonly started_at_ms: number;
  readonly uptime_seconds: number;
  /** As the console's `health`. */
  readonly health: "up" | "down";
  readonly mirror: boolean;
  readonly ring: string;
  readonly failover: string;
  /** As the console's `stats`, without those of nodes. */
  readonly figures: Readonly<Record<string, number>>;
  readonly nodes: readonly NodeJson[];
  /** The last times that nodes were taken out or back, newest first. */
  readonly health_changes: readonly HealthChangeJson[];
}

export interface NodeJson {
  readonly node: string;
  readonly address: string;
  readonly up: boolean;
  /** Since when it is up or not. */
  readonly since_ms: number;
  readonly checked: boolean;
  readonly last_check: CheckJson | null;
  /** Lines relayed to it a second, over the last ten; null: not known yet. */
  readonly rate: number | null;
  /** As the console's `stats`, without `node.<host:port>.` in front. */
  readonly figures: Readonly<Record<string, number>>;
}

interface CheckJson {
  readonly at_ms: number;
  readonly duration_ms: number;
  /** `up`, or what was wrong. */
  readonly result: string;
}

interface HealthChangeJson {
  readonly at_ms: number;
  readonly node: string;
  readonly up: boolean;
  /** What was wrong; null: nothing, it is back. */
  readonly reason: string | null;
}

export interface HistoryJson {
  /** Of the first sample, and of the one that comes next. */
  readonly first: number;
  readonly next: number;
  readonly times_ms: readonly number[];
  /** For each a second. */
  readonly rates: HistorySlice["rates"];
}

export interface RingJson {
  /** Indexes of `nodes`: the owner of each of as many equal parts of the circle; -1: none. Null: mirroring. */
  readonly parts: readonly number[] | null;
  /** Each node's share of the names while all are up. */
  readonly full_shares: readonly number[] | null;
}

/** Where a name goes. */
export type OwnerJson =
  /** It is no metric, and goes nowhere. */
  | { readonly kind: "rejected"; readonly reason: string }
  | {
      readonly kind: "routed";
      readonly name: string;
      /** Where on the circle it lies, 0 to 1; null: mirroring. */
      readonly position: number | null;
      /** Indexes of `nodes`, or what placement/owner.ts has instead: who gets its lines now, and while all nodes are up. */
      readonly now: number;
      readonly all_up: number;
    };

export interface StatsSource {
  readonly version: string;
  readonly nowMs: number;
  readonly config: Config;
  readonly health: "up" | "down";
  readonly view: View;
  readonly history: History;
  readonly healthChanges: readonly HealthChange[];
}

/** Nodes between two chances to do something else. */
const PART_NODES = 8;

/** A `StatusJson` as text. All figures of one node belong to one moment. */
export function* statusJsonParts(source: StatsSource): Generator<string> {
  const { version, nowMs, config, health, view, healthChanges } = source;
  const head: Omit<StatusJson, "nodes" | "health_changes"> = {
    version,
    now_ms: nowMs,
    started_at_ms: Math.round(view.process.startedAtSeconds * 1000),
    uptime_seconds: Math.floor(view.uptimeSeconds),
    health,
    mirror: config.mirror,
    ring: config.ring,
    failover: config.failover,
    figures: Object.fromEntries(proxyStatsOf(view)),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"nodes":[`;
  yield* joinedBy(PART_NODES, view.nodes.keys(), (node) => {
    return `${node === 0 ? "" : ","}${JSON.stringify(nodeJson(node, source))}`;
  });
  const changes = healthChanges.toReversed().map(
    ({ atMs, node, isUp, failure }): HealthChangeJson => ({
      at_ms: atMs,
      node: node,
      up: isUp,
      reason: failure ?? null,
    }),
  );
  yield `],"health_changes":${JSON.stringify(changes)}}`;
}

function nodeJson(i: number, { config, view, history }: StatsSource): NodeJson {
  const node = view.nodes[i];
  const { host, port, managementport } = config.nodes[i];
  const check = node.health.lastCheck;
  return {
    node: node.label,
    address: hostPort(host, port),
    up: node.isUp,
    since_ms: node.health.sinceMs,
    checked: managementport !== 0,
    last_check: check
      ? { at_ms: check.atMs, duration_ms: roundedMs(check.durationMs), result: check.failure ?? "up" }
      : null,
    rate: history.nodeRate(i) ?? null,
    figures: Object.fromEntries(nodeStatsOf(node)),
  };
}

export function ownerJson(asked: Buffer, found: Whereabouts): OwnerJson {
  if (found.kind === "rejected") return found;
  const { kind, nameStart, nameEnd, position, now, allUp } = found;
  return { kind, name: asked.toString("utf8", nameStart, nameEnd), position, now, all_up: allUp };
}

export function historyJson({ first, next, timesMs, rates }: HistorySlice): HistoryJson {
  return { first, next, times_ms: timesMs, rates };
}

/** To microseconds. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
