/**
 * Whether a proxy should get metrics: one rule for the console's `health`, for `statsd-proxy healthcheck`, which asks it,
 * and for `/healthz`. Without a live node it drops every line, so senders are better off with another proxy.
 */
import type { View } from "./view.ts";

export interface ProxyHealth {
  readonly health: "up" | "down";
  readonly reason: string;
}

/** @param set what operators have set */
export function healthOf(set: "up" | "down", { nodes }: Pick<View, "nodes">): ProxyHealth {
  const upCount = nodes.filter(({ isUp }) => isUp).length;
  const reason = set === "down" ? "set down at the console" : `${upCount} of ${nodes.length} nodes up`;
  return { health: set === "up" && upCount > 0 ? "up" : "down", reason };
}
