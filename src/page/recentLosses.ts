/**
 * Which nodes lose metrics now: their refused lines or send errors have grown within the last seconds. The totals alone do
 * not tell: they only ever grow, and may be of last week.
 */
import type { NodeJson, StatusJson } from "../observe/statusJson.ts";

const REMEMBERED_MS = 10_000;

const LOSSES = ["lines_refused", "send_errors"] as const;
export type LossName = (typeof LOSSES)[number];

/** What is remembered between two answers. */
export interface RecentLosses {
  /** Of the last answer, on the proxy's own clock. */
  readonly uptimeMs: number;
  readonly startedAtMs: number;
  /** By label. */
  readonly nodes: ReadonlyMap<string, NodeLosses>;
}

/** What a node loses now is in `grewAtMs`. */
interface NodeLosses {
  readonly figures: NodeJson["figures"];
  readonly grewAtMs: ReadonlyMap<LossName, number>;
}

/** @param before after the answer before; undefined: this is the first one, and nothing can have grown */
export function recentLosses(before: RecentLosses | undefined, stats: StatusJson): RecentLosses {
  const { started_at_ms: startedAtMs, uptime_ms: uptimeMs } = stats;
  const isSameRun = before?.startedAtMs === startedAtMs;
  // What grew while the page was hidden may be long over.
  const isRecent = isSameRun && uptimeMs - before.uptimeMs <= REMEMBERED_MS;
  const nodes = stats.nodes.map((node): [string, NodeLosses] => {
    const old = isSameRun ? before.nodes.get(node.node) : undefined;
    return [node.node, { figures: node.figures, grewAtMs: grewAtMs(node, old, uptimeMs, isRecent) }];
  });
  return { uptimeMs, startedAtMs, nodes: new Map(nodes) };
}

/** What the node loses now. Nothing while it is down: it gets no metrics then. */
export function lossesNow({ nodes }: RecentLosses, label: string): readonly LossName[] {
  const { grewAtMs } = nodes.get(label) ?? {};
  return grewAtMs === undefined ? [] : LOSSES.filter((name) => grewAtMs.has(name));
}

function grewAtMs(
  { up, figures }: NodeJson,
  old: NodeLosses | undefined,
  uptimeMs: number,
  isRecent: boolean,
): NodeLosses["grewAtMs"] {
  const found = new Map<LossName, number>();
  if (!up || old === undefined) return found;
  for (const name of LOSSES) {
    const grew = isRecent && figures[name] > old.figures[name];
    const atMs = grew ? uptimeMs : old.grewAtMs.get(name);
    if (atMs !== undefined && uptimeMs - atMs <= REMEMBERED_MS) found.set(name, atMs);
  }
  return found;
}
