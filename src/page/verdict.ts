/** The verdict at the top of the page, in the title and in the badge. */
import type { StatusJson } from "../observe/statusJson.ts";
import { lossesNow, type RecentLosses } from "./recentLosses.ts";

export interface Verdict {
  readonly state: "good" | "fair" | "bad";
  readonly badge: string;
  readonly title: string;
}

const BADGES = { good: "● healthy", fair: "▲ degraded", bad: "✕ unhealthy" } as const;
const TITLE_MARKS = { good: "", fair: "▲ ", bad: "✕ " } as const;

export function verdictOf({ health, nodes }: Pick<StatusJson, "health" | "nodes">, recent: RecentLosses): Verdict {
  const up = nodes.filter((node) => node.up).length;
  const down = nodes.length - up;
  const losing = nodes.map(({ node }) => lossesNow(recent, node));
  const refusing = losing.filter((names) => names.includes("lines_refused")).length;
  const failing = losing.filter((names) => names.includes("send_errors")).length;
  const troubles = [
    ...(down > 0 ? [`${down} of ${nodes.length} nodes down`] : []),
    ...(refusing > 0 ? [refusing === 1 ? "1 node refuses metrics" : `${refusing} nodes refuse metrics`] : []),
    ...(failing > 0 ? [`sending to ${failing === 1 ? "1 node" : `${failing} nodes`} fails`] : []),
  ];
  const words = [
    ...(health === "down" ? ["set down at the console"] : []),
    ...(up === 0 ? ["no live node"] : troubles.length > 0 ? troubles : ["all nodes up"]),
  ].join(", ");
  const state = health === "down" || up === 0 ? "bad" : troubles.length > 0 ? "fair" : "good";
  return { state, badge: `${BADGES[state]}: ${words}`, title: `${TITLE_MARKS[state]}statsd-proxy: ${words}` };
}

/** While the proxy does not answer, its last figures are no ground for a verdict. */
export function noVerdict(since: string): Verdict {
  return { state: "bad", badge: `✕ unknown: no answer since ${since}`, title: "✕ statsd-proxy: no answer" };
}
