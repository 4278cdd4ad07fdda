/** What `/stats.json` says, for tests of the page. */
import type { NodeJson, StatusJson } from "../../src/observe/statusJson.ts";

/** All nodes are up, and have equal shares of the ring. */
export function statusOf(labels: readonly string[], settings: Partial<StatusJson> = {}): StatusJson {
  return {
    version: "1.2.3",
    host_name: "here",
    listening: "0.0.0.0:8125",
    file: "statsd.json",
    now_ms: 9000,
    started_at_ms: 1000,
    uptime_seconds: 8,
    uptime_ms: 8000,
    config: { hash: "0123456789ab", loaded_at_ms: 1000, latest: true, last_failure: null },
    health: "up",
    verdict: { state: "ok", line: "ok: all nodes up", troubles: [] },
    mirror: false,
    ring: "farmhash",
    failover: "rehash",
    figures: {},
    nodes: labels.map((label) => nodeOf(label, 1 / labels.length)),
    health_changes: [],
    ...settings,
  };
}

function nodeOf(label: string, ring_share: number): NodeJson {
  return {
    node: label,
    address: label,
    up: true,
    state: "up",
    no_address: null,
    since_ms: 1000,
    flapping: null,
    checked: false,
    check: "refusals",
    last_check: null,
    rate: null,
    full_share: ring_share,
    figures: { ring_share },
  };
}
