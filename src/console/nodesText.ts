/** Nodes for people who ask the console: a table of all, and all that is known of one. */
import { checkText } from "../config/nodeCheck.ts";
import { flapsOf } from "../observe/nodeTroubles.ts";
import { nodeStatsOf } from "../observe/readings.ts";
import type { NodeView, View } from "../observe/view.ts";
import { whyDown } from "../observe/whyDown.ts";
import { allDropped } from "../relay/counters.ts";
import { hostPort } from "../text/hostPort.ts";
import { shareText } from "../text/quantities.ts";
import { tableParts } from "../text/table.ts";

interface Column {
  readonly head: string;
  readonly isLeft?: true;
  readonly text: (node: NodeView, view: View) => string | number;
}

const ADDRESS: Column = { head: "address", isLeft: true, text: addressOf };
/** What matters first, in lines that a terminal of 120 columns shows whole; the rest is told of one node. */
const COLUMNS: readonly Column[] = [
  { head: "state", isLeft: true, text: (node, view) => stateText(node, view, ",") },
  { head: "since", isLeft: true, text: ({ health }, { nowMs }) => briefTime(health.sinceMs, nowMs) },
  { head: "share", text: ({ ringShare }) => (ringShare === undefined ? "-" : shareText(ringShare)) },
  { head: "rate", text: ({ rate }) => (rate === undefined ? "-" : rateText(rate)) },
  { head: "relayed", text: ({ counters }) => counters.linesRelayed },
  { head: "dropped", text: ({ counters }) => allDropped(counters) },
  { head: "pending", text: ({ batch }) => batch.linesPending },
  { head: "refused", text: ({ counters }) => counters.linesRefused },
  { head: "errors", text: ({ counters }) => counters.sendErrors },
  { head: "failed", text: ({ counters }) => counters.checksFailed },
  { head: "last_check", isLeft: true, text: lastCheckText },
];

/** A row for each. The address has a column where it is not the label. */
export function nodesLines(view: View): Iterable<string> {
  const { nodes } = view;
  const hasNames = nodes.some((node) => addressOf(node) !== node.label);
  const columns = hasNames ? [ADDRESS, ...COLUMNS] : COLUMNS;
  function* rows(): Generator<readonly string[]> {
    for (const node of nodes) yield [node.label, ...columns.map(({ text }) => String(text(node, view)))];
  }
  const right = columns.flatMap(({ isLeft }, i) => (isLeft ? [] : [i + 1]));
  return tableParts(["node", ...columns.map(({ head }) => head)], rows, right);
}

/** How it is, and why; then the rest, a line each. */
export function nodeText(node: NodeView, view: View): string {
  const { label, config, health, ringShare, rate } = node;
  const why = whyDown(node);
  const { lastCheck } = health;
  const facts: [name: string, value: string | number][] = [
    ["address", addressOf(node)],
    ["weight", config.weight],
    ["since", isoTime(health.sinceMs)],
    ["check", checkText(config)],
    ["last check", lastCheck === undefined ? "-" : `${lastCheckText(node)}, at ${isoTime(lastCheck.atMs)}`],
    ...(ringShare === undefined ? [] : [["share", shareText(ringShare)] as [string, string]]),
    ...(rate === undefined ? [] : [["rate", rateText(rate)] as [string, string]]),
    ...nodeStatsOf(node),
  ];
  const lines = facts.map(([name, value]) => `  ${name}: ${value}\n`);
  return `${label}: ${stateText(node, view, ", ")}${why === undefined ? "" : ` (${why})`}\n${lines.join("")}`;
}

function stateText(node: NodeView, view: View, separator: string): string {
  return `${node.health.state}${flapsOf(node, view) ? `${separator}flapping` : ""}`;
}

function addressOf({ address, config }: NodeView): string {
  return hostPort(address ?? config.host, config.port);
}

/** `up`, or what was wrong. */
function lastCheckText({ health: { noAddress, lastCheck } }: NodeView): string {
  return noAddress ?? (lastCheck === undefined ? "-" : (lastCheck.failure ?? "up"));
}

/** Lines per second. */
function rateText(rate: number): string {
  return rate < 9.95 ? rate.toFixed(1) : String(Math.round(rate));
}

function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `14:04:14Z`; the day, if it is longer ago. */
function briefTime(ms: number, nowMs: number): string {
  const iso = isoTime(ms);
  return Math.abs(nowMs - ms) < 86_400_000 ? iso.slice(11) : iso.slice(0, 10);
}
