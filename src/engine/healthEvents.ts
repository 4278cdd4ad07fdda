/** What the log tells of nodes that go down or come back, and of names that move with them. */
import type { HealthChange } from "../health/nodeHealth.ts";
import type { LogFields } from "../log/logfmt.ts";
import type { LogEvent } from "../log/logLimit.ts";
import { type MovedNames, movedText } from "../placement/movedShare.ts";

/** Of the nodes after the change. */
export interface NodesUp {
  readonly nodes_up: number;
  readonly nodes: number;
}

export function healthEvent({ node, failure, lastedMs, moved }: HealthChange, up: NodesUp): LogEvent {
  const after = { nodes_up: up.nodes_up, nodes: up.nodes, ...movedFields(moved) };
  if (failure !== undefined) return { level: "warn", event: "node_down", fields: { node, reason: failure, ...after } };
  return { level: "info", event: "node_up", fields: { node, down_for: tenths(lastedMs / 1000), ...after } };
}

/** Undefined: no names can move, or it is not known. */
export function movedPercent(share: number | undefined): LogFields {
  return share === undefined ? {} : { names_moved_percent: tenths(100 * share) };
}

function movedFields(moved: MovedNames | undefined): LogFields {
  return moved === undefined ? {} : { ...movedPercent(moved.share), shares: movedText(moved) };
}

function tenths(value: number): number {
  return Math.round(10 * value) / 10;
}
