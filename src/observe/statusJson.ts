/**
 * The state of the proxy and its nodes as JSON: over HTTP, on the console, for the page and for `top`. Times and
 * durations are in milliseconds, shares from 0 to 1.
 */
import type { Config } from "../config/config.ts";
import { checkOf, checkText } from "../config/nodeCheck.ts";
import type { HealthChange, NodeState } from "../health/nodeHealth.ts";
import type { MovedNames } from "../placement/movedShare.ts";
import { hostPort } from "../text/hostPort.ts";
import { joinedBy } from "../text/pieces.ts";
import { flapsOf } from "./nodeTroubles.ts";
import { nodeStatsOf, proxyStatsOf } from "./readings.ts";
import type { VerdictState } from "./trouble.ts";
import { verdictOf } from "./verdict.ts";
import type { ConfigView, NodeView, View } from "./view.ts";

export interface StatusJson {
  readonly version: string;
  /** The machine's. */
  readonly host_name: string;
  /** Where metrics arrive. */
  readonly listening: string;
  /** The configuration's file; null: it has none. */
  readonly file: string | null;
  readonly now_ms: number;
  readonly started_at_ms: number;
  readonly uptime_seconds: number;
  /** The same with a finer resolution, on a monotonic clock: for computing rates. */
  readonly uptime_ms: number;
  /** The configuration in force. */
  readonly config: ConfigJson;
  /** What operators have set: without a live node the proxy is down all the same (observe/proxyHealth.ts). */
  readonly health: "up" | "down";
  /** How it is, in one line. */
  readonly verdict: VerdictJson;
  readonly mirror: boolean;
  readonly ring: string;
  readonly failover: string;
  /** The same as the console's `stats`, without the nodes' figures. */
  readonly figures: Readonly<Record<string, number>>;
  readonly nodes: readonly NodeJson[];
  /** The last times that a node went down or came back, newest first. */
  readonly health_changes: readonly HealthChangeJson[];
}

export interface VerdictJson {
  /** `critical`, `losing`, `drained`, `warning` or `ok`. */
  readonly state: VerdictState;
  /** What is wrong, since when, what to do: of several things the worst, and how many others there are. */
  readonly line: string;
  /** All of them, the worst first. */
  readonly troubles: readonly TroubleJson[];
}

interface TroubleJson {
  readonly kind: string;
  readonly state: VerdictState;
  readonly line: string;
  readonly since_ms: number | null;
}

interface ConfigJson {
  /** 12 hexadecimal digits of the SHA-256 of its file; empty: it has none. */
  readonly hash: string;
  readonly loaded_at_ms: number;
  /** False: a later file was read, and could not take over. */
  readonly latest: boolean;
  /** Why it could not; null unless this is so. */
  readonly last_failure: ReloadFailureJson | null;
}

interface ReloadFailureJson {
  readonly at_ms: number;
  /** What asked for the reload: `signal`, `console` or `file`. */
  readonly cause: string;
  /** The first few problems, then how many more there are. */
  readonly reasons: readonly string[];
}

export interface NodeJson {
  readonly node: string;
  /** An IP address, unless its name does not resolve. */
  readonly address: string;
  /** Whether it gets lines. */
  readonly up: boolean;
  /** `up`, `down`, `drained` or `set down`; the last two are an operator's word. */
  readonly state: NodeState;
  /** Why it has no address, and is down; null: it has one. */
  readonly no_address: string | null;
  /** When it entered its current state. */
  readonly since_ms: number;
  /** How often it changed its state within five minutes, if that is often enough to call it flapping. */
  readonly flapping: { readonly changes: number; readonly since_ms: number } | null;
  /** Whether it has a check; without one it goes by what its host refuses. */
  readonly checked: boolean;
  /** How it is checked: `statsd at port 8126`, `refusals` ... */
  readonly check: string;
  readonly last_check: CheckJson | null;
  /**
   * Lines relayed to it per second, over the last ten seconds; null: not known yet, or not measured, which takes HTTP.
   */
  readonly rate: number | null;
  /** Its share of the names while all nodes are up; null: mirroring. The share that it has now is `ring_share`. */
  readonly full_share: number | null;
  /** The same as the console's `stats`, without the prefix `node.<host:port>.`. */
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
  /** What was wrong; null: nothing, it came back. */
  readonly reason: string | null;
  /** What it did to the names; null: they did not move, or nobody looked. */
  readonly moved: MovedNames | null;
}

/** Which proxy this is. */
interface Identity {
  readonly version: string;
  readonly hostName: string;
  /** Undefined: it has none. */
  readonly file: string | undefined;
}

export interface StatsSource extends Identity {
  /** The port that was bound. */
  readonly port: number;
  readonly nowMs: number;
  readonly config: Config;
  readonly health: "up" | "down";
  readonly view: View;
  readonly healthChanges: readonly HealthChange[];
}

/** Nodes per step: other work gets its turn in between. */
const NODES_PER_STEP = 8;

/** A `StatusJson` as text, one line without its end. All figures of a node belong to the same moment. */
export function* statusJsonParts(source: StatsSource): Generator<string> {
  const { version, hostName, file, port, nowMs, config, health, view, healthChanges } = source;
  const head: Omit<StatusJson, "nodes" | "health_changes"> = {
    version,
    host_name: hostName,
    listening: hostPort(config.host, port),
    file: file ?? null,
    now_ms: nowMs,
    started_at_ms: Math.round(view.resources.startedAtSeconds * 1000),
    uptime_seconds: Math.floor(view.uptimeSeconds),
    uptime_ms: Math.round(view.uptimeSeconds * 1000),
    config: configJson(view.configuration),
    health,
    verdict: verdictJson(view),
    mirror: config.mirror,
    ring: config.ring,
    failover: config.failover,
    figures: Object.fromEntries(proxyStatsOf(view)),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"nodes":[`;
  yield* nodesJsonParts(view);
  const changes = healthChanges.toReversed().map(
    ({ atMs, node, isUp, failure, moved }): HealthChangeJson => ({
      at_ms: atMs,
      node: node,
      up: isUp,
      reason: failure ?? null,
      moved: moved ?? null,
    }),
  );
  yield `],"health_changes":${JSON.stringify(changes)}}`;
}

/** The nodes as in the whole status, without the brackets of their list. */
export function* nodesJsonParts(view: View): Generator<string> {
  const { nodes } = view;
  yield* joinedBy(NODES_PER_STEP, nodes, (node) => {
    return `${node === nodes[0] ? "" : ","}${JSON.stringify(nodeJson(node, view))}`;
  });
}

function verdictJson(view: View): VerdictJson {
  const { state, line, troubles } = verdictOf(view);
  return {
    state,
    line,
    troubles: troubles.map(({ sinceMs, ...trouble }) => ({ ...trouble, since_ms: sinceMs ?? null })),
  };
}

function configJson({ hash, loadedAtSeconds, isLatest, lastFailure }: ConfigView): ConfigJson {
  return {
    hash,
    loaded_at_ms: Math.round(1000 * loadedAtSeconds),
    latest: isLatest,
    last_failure: lastFailure
      ? { at_ms: Math.round(1000 * lastFailure.atSeconds), cause: lastFailure.cause, reasons: lastFailure.reasons }
      : null,
  };
}

function nodeJson(node: NodeView, view: View): NodeJson {
  const { host, port } = node.config;
  const check = node.health.lastCheck;
  const flaps = flapsOf(node, view);
  return {
    node: node.label,
    address: hostPort(node.address ?? host, port),
    up: node.isUp,
    state: node.health.state,
    no_address: node.health.noAddress ?? null,
    since_ms: node.health.sinceMs,
    flapping: flaps ? { changes: flaps.amount, since_ms: flaps.sinceMs } : null,
    checked: checkOf(node.config) !== undefined,
    check: checkText(node.config),
    last_check: check
      ? { at_ms: check.atMs, duration_ms: roundedMs(check.durationMs), result: check.failure ?? "up" }
      : null,
    rate: node.rate ?? null,
    full_share: node.fullShare ?? null,
    figures: Object.fromEntries(nodeStatsOf(node)),
  };
}

/** Rounds to microseconds. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
