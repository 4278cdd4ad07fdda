/**
 * How the proxy and its nodes are, as JSON: over HTTP, on the console, for the page and for `top`. Times and durations are
 * milliseconds, shares go from 0 to 1.
 */
import type { Config } from "../config/config.ts";
import type { HealthChange } from "../health/nodeHealth.ts";
import { hostPort } from "../text/hostPort.ts";
import { joinedBy } from "../text/pieces.ts";
import { nodeStatsOf, proxyStatsOf } from "./readings.ts";
import type { NodeView, View } from "./view.ts";

export interface StatusJson {
  readonly version: string;
  readonly now_ms: number;
  readonly started_at_ms: number;
  readonly uptime_seconds: number;
  /** The same, finer: for rates, by a clock that never jumps. */
  readonly uptime_ms: number;
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
  /** Lines relayed to it a second, over the last ten; null: not known, or not yet: that takes HTTP. */
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

export interface StatsSource {
  readonly version: string;
  readonly nowMs: number;
  readonly config: Config;
  readonly health: "up" | "down";
  readonly view: View;
  readonly healthChanges: readonly HealthChange[];
}

/** Nodes between two chances to do something else. */
const PART_NODES = 8;

/** A `StatusJson` as text, one line without its end. All figures of one node belong to one moment. */
export function* statusJsonParts(source: StatsSource): Generator<string> {
  const { version, nowMs, config, health, view, healthChanges } = source;
  const head: Omit<StatusJson, "nodes" | "health_changes"> = {
    version,
    now_ms: nowMs,
    started_at_ms: Math.round(view.resources.startedAtSeconds * 1000),
    uptime_seconds: Math.floor(view.uptimeSeconds),
    uptime_ms: Math.round(view.uptimeSeconds * 1000),
    health,
    mirror: config.mirror,
    ring: config.ring,
    failover: config.failover,
    figures: Object.fromEntries(proxyStatsOf(view)),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"nodes":[`;
  yield* joinedBy(PART_NODES, view.nodes, (node) => {
    return `${node === view.nodes[0] ? "" : ","}${JSON.stringify(nodeJson(node))}`;
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

function nodeJson(node: NodeView): NodeJson {
  const { host, port, managementport } = node.config;
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
    rate: node.rate ?? null,
    figures: Object.fromEntries(nodeStatsOf(node)),
  };
}

/** To microseconds. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
