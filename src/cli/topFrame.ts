/** The frames of `statsd-proxy top`: from two samples of a proxy's figures to lines of text. */
import * as v from "valibot";
import { tableText } from "../text/table.ts";

/** Not every proxy, or every machine, has all figures. */
const figure = v.optional(v.number());

/** The part of a `StatusJson` that is shown. */
const sampleSchema = v.object({
  uptime_ms: v.number(),
  config: v.optional(v.object({ last_failure: v.nullish(v.object({ reasons: v.array(v.string()) })) })),
  figures: v.object({
    packets_received: figure,
    kernel_drops: figure,
    lines_received: v.number(),
    lines_rejected: figure,
    lines_relayed: figure,
    lines_dropped: figure,
    lines_pending: figure,
    datagrams_sent: figure,
    nodes: figure,
    nodes_up: figure,
    internal_errors: figure,
    invariant_violations: figure,
    log_lines_lost: figure,
    lines_self_dropped: figure,
    config_latest: figure,
  }),
  nodes: v.array(
    v.object({
      node: v.string(),
      up: v.boolean(),
      figures: v.object({
        lines_relayed: figure,
        lines_dropped: figure,
        lines_pending: figure,
        datagrams_sent: figure,
        bytes_sent: figure,
        lines_refused: figure,
        send_errors: figure,
        checks_failed: figure,
        checks_skipped: figure,
      }),
    }),
  ),
});

/** A proxy's figures at one moment. */
export type Sample = v.InferOutput<typeof sampleSchema>;
type Name = keyof Sample["figures"];
type SampleNode = Sample["nodes"][number];
type NodeName = keyof SampleNode["figures"];

export interface FrameLine {
  readonly text: string;
  /** Something is lost, or a node is down. */
  readonly alarm: boolean;
}

export interface FrameParts {
  /** Where the figures come from. */
  readonly address: string;
  /** The previous sample, for rates; undefined: there is none. */
  readonly before: Sample | undefined;
  readonly now: Sample;
  /** Available lines. */
  readonly linesMax?: number;
}

interface Total {
  readonly label: string;
  readonly name: Name;
  /** An alarm while it grows. */
  readonly loss?: true;
  /** Shown without a rate. */
  readonly state?: true;
}

const TOTALS: readonly Total[] = [
  { label: "datagrams received", name: "packets_received" },
  { label: "datagrams dropped by the kernel", name: "kernel_drops", loss: true },
  { label: "lines received", name: "lines_received" },
  { label: "lines rejected", name: "lines_rejected", loss: true },
  { label: "lines relayed", name: "lines_relayed" },
  { label: "lines dropped", name: "lines_dropped", loss: true },
  { label: "lines pending", name: "lines_pending", state: true },
  { label: "datagrams sent", name: "datagrams_sent" },
];
/** Shown only if not zero, as alarms. */
const RARE: readonly Total[] = [
  { label: "internal errors", name: "internal_errors" },
  { label: "accounting errors", name: "invariant_violations" },
  { label: "log lines lost", name: "log_lines_lost" },
  { label: "lines of its own metrics dropped", name: "lines_self_dropped" },
];
const NODE_HEAD = [
  "node",
  "state",
  "relayed/s",
  "dropped/s",
  "datagrams/s",
  "kB/s",
  "pending",
  "refused",
  "checks failed",
];
/** Columns shown only if some node has a value other than zero. */
const NODE_RARE: readonly (readonly [head: string, name: NodeName])[] = [
  ["send errors", "send_errors"],
  ["checks skipped", "checks_skipped"],
];
const NODE_RATES: readonly NodeName[] = ["lines_relayed", "lines_dropped", "datagrams_sent"];
const NODE_COUNTS: readonly NodeName[] = ["lines_pending", "lines_refused", "checks_failed"];
/** Figures of a node that make its row an alarm while they grow. */
const NODE_LOSSES: readonly NodeName[] = ["lines_dropped", "lines_refused", "send_errors", "checks_skipped"];

/** Parses the answer to `status json`; undefined: it is something else. */
export function sampleOf(answer: string): Sample | undefined {
  try {
    const { success, output } = v.safeParse(sampleSchema, JSON.parse(answer));
    return success ? output : undefined;
  } catch {
    return undefined;
  }
}

export function frameOf({ address, before, now, linesMax = Number.POSITIVE_INFINITY }: FrameParts): FrameLine[] {
  const { figures } = now;
  const perSecond = perSecondBetween(before, now);
  const rate = (name: Name) => perSecond(before?.figures[name], figures[name]);
  const { nodes_up: up = 0, nodes: all = 0 } = figures;
  const title = `statsd-proxy ${address}   up ${durationText(now.uptime_ms / 1000)}   nodes: ${up} of ${all} up`;

  const rare = RARE.filter(({ name }) => (figures[name] ?? 0) > 0);
  const totals = [...TOTALS.filter(({ name }) => figures[name] !== undefined), ...rare];
  const totalRows = totals.map(({ label, name, state }) => [
    label,
    state ? "" : rateText(rate(name)),
    countText(figures[name]),
  ]);
  const alarms = totals.map((total) => rare.includes(total) || (total.loss === true && (rate(total.name) ?? 0) > 0));
  const head = [
    { text: title, alarm: up < all },
    ...(figures.config_latest === 0 ? [{ text: reloadFailedText(now), alarm: true }] : []),
    { text: "", alarm: false },
    ...withAlarms([["", "per second", "total"], ...totalRows], [1, 2], [false, ...alarms]),
    { text: "", alarm: false },
  ];
  return [...head, ...nodeLines({ before, now }, perSecond, linesMax - head.length)];
}

/** If there is not enough room, nodes that are down come first, then those with other alarms. */
function nodeLines(
  { before, now }: Pick<FrameParts, "before" | "now">,
  perSecond: PerSecond,
  linesMax: number,
): FrameLine[] {
  const { nodes } = now;
  const fit = nodes.length < linesMax;
  const room = fit ? nodes.length : Math.max(0, linesMax - 2);
  const rare = NODE_RARE.filter(([, name]) => nodes.some(({ figures }) => (figures[name] ?? 0) > 0));
  const figuresBefore = new Map(before?.nodes.map(({ node, figures }) => [node, figures]));
  const rate = ({ node, figures }: SampleNode, name: NodeName) =>
    perSecond(figuresBefore.get(node)?.[name], figures[name]);
  const loses = (node: SampleNode) => NODE_LOSSES.some((name) => (rate(node, name) ?? 0) > 0);
  const rank = (node: SampleNode) => (!node.up ? 0 : loses(node) ? 1 : 2);
  const ordered = fit ? nodes : nodes.toSorted((a, b) => rank(a) - rank(b));
  const shown = ordered.slice(0, room);
  const rows = shown.map((node) => {
    const bytesRate = rate(node, "bytes_sent");
    return [
      printable(node.node),
      node.up ? "up" : "DOWN",
      ...NODE_RATES.map((name) => rateText(rate(node, name))),
      rateText(bytesRate === undefined ? undefined : bytesRate / 1000),
      ...NODE_COUNTS.map((name) => countText(node.figures[name])),
      ...rare.map(([, name]) => countText(node.figures[name])),
    ];
  });
  const alarms = shown.map((node) => rank(node) < 2);
  const head = [...NODE_HEAD, ...rare.map(([title]) => title)];
  const lines = withAlarms([head, ...rows], [...head.keys()].slice(2), [false, ...alarms]);
  const rest = nodes.length - shown.length;
  return rest > 0 ? [...lines, { text: `... and ${rest} more`, alarm: false }] : lines;
}

function withAlarms(rows: readonly string[][], right: readonly number[], alarms: readonly boolean[]): FrameLine[] {
  const texts = tableText(rows, right).split("\n").slice(0, -1);
  return texts.map((text, i) => ({ text, alarm: alarms[i] }));
}

/** An older proxy does not tell why. */
function reloadFailedText({ config }: Sample): string {
  const [reason] = config?.last_failure?.reasons ?? [];
  return reason === undefined
    ? "the last reload failed: an older configuration is in force, see the log"
    : `the last reload failed: ${printable(reason)}; the older configuration is in force`;
}

/** Without what a terminal would take for a command. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?");
}

/** A figure's growth per second; undefined: not known. */
type PerSecond = (from: number | undefined, to: number | undefined) => number | undefined;

/** Uses the proxy's own clock; undefined across a restart. */
function perSecondBetween(before: Sample | undefined, now: Sample): PerSecond {
  const seconds = before === undefined ? 0 : (now.uptime_ms - before.uptime_ms) / 1000;
  return (from, to) => {
    if (seconds <= 0 || from === undefined || to === undefined) return undefined;
    return Math.max(0, to - from) / seconds;
  };
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return "-";
  return rate === 0 || rate >= 9.95 ? countText(Math.round(rate)) : rate.toFixed(1);
}

function countText(count: number | undefined): string {
  return count === undefined ? "-" : String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1d 02:03:04` */
function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const days = Math.floor(whole / 86_400);
  return `${days > 0 ? `${days}d ` : ""}${parts.map((part) => String(part).padStart(2, "0")).join(":")}`;
}
