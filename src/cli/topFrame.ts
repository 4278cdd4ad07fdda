/** What `statsd-proxy top` shows: two moments of a proxy's figures to lines of text. */
import { tableText } from "../text/table.ts";

/** The figures of one moment, as `stats json` tells them. */
export interface Sample {
  readonly uptimeSeconds: number;
  readonly figures: ReadonlyMap<string, number>;
}

export interface FrameLine {
  readonly text: string;
  /** Something is lost, or a node is out. */
  readonly alarm: boolean;
}

export interface FrameParts {
  /** Where the figures come from. */
  readonly address: string;
  /** The moment before, for rates; undefined: there was none. */
  readonly before: Sample | undefined;
  readonly now: Sample;
  /** Lines that there is room for. */
  readonly linesMax?: number;
}

/** The answer to `stats json`; undefined: it is another. */
export function sampleOf(answer: string): Sample | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const entries = Object.entries(parsed).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  const { uptime_seconds, ...figures } = Object.fromEntries(entries);
  if (uptime_seconds === undefined || figures.lines_received === undefined) return undefined;
  return { uptimeSeconds: uptime_seconds, figures: new Map(Object.entries(figures)) };
}

interface Total {
  readonly label: string;
  readonly name: string;
  /** An alarm while it grows. */
  readonly loss?: true;
  /** Not a rate. */
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
/** Shown from the first on, as alarms. */
const SELDOM: readonly Total[] = [
  { label: "internal errors", name: "internal_errors" },
  { label: "sums that did not add up", name: "invariant_violations" },
  { label: "lines of the log lost", name: "log_lines_lost" },
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
  "refusals",
  "checks failed",
];
/** Columns that are there from the first one of any node on. */
const NODE_SELDOM: readonly (readonly [head: string, name: string])[] = [
  ["send errors", "send_errors"],
  ["checks skipped", "checks_skipped"],
];
/** Of a node: what makes its row an alarm while it grows. */
const NODE_LOSSES = ["lines_dropped", "send_errors", "checks_skipped"];

export function frameOf({ address, before, now, linesMax = Number.POSITIVE_INFINITY }: FrameParts): FrameLine[] {
  const figure = (name: string) => now.figures.get(name);
  const rate = rateOf(before, now);
  const [up, all] = [figure("nodes_up") ?? 0, figure("nodes") ?? 0];
  const title = `statsd-proxy ${address}   up ${durationText(now.uptimeSeconds)}   nodes: ${up} of ${all} up`;

  const seldom = SELDOM.filter(({ name }) => (figure(name) ?? 0) > 0);
  const totals = [...TOTALS.filter(({ name }) => figure(name) !== undefined), ...seldom];
  const totalRows = totals.map(({ label, name, state }) => [
    label,
    state ? "" : rateText(rate(name)),
    countText(figure(name)),
  ]);
  const alarms = totals.map((total) => seldom.includes(total) || (total.loss === true && (rate(total.name) ?? 0) > 0));
  const head = [
    { text: title, alarm: up < all },
    { text: "", alarm: false },
    ...withAlarms([["", "per second", "total"], ...totalRows], [1, 2], [false, ...alarms]),
    { text: "", alarm: false },
  ];
  return [...head, ...nodeLines(now, rate, linesMax - head.length)];
}

/** Where not all have room, those that are out come first. */
function nodeLines(now: Sample, rate: (name: string) => number | undefined, linesMax: number): FrameLine[] {
  const labels = [...now.figures.keys()].flatMap((name) => /^node\.(.+)\.up$/.exec(name)?.[1] ?? []);
  const isUp = (label: string) => now.figures.get(`node.${label}.up`) === 1;
  const fit = labels.length < linesMax;
  const room = fit ? labels.length : Math.max(0, linesMax - 2);
  const ordered = fit ? labels : [...labels.filter((label) => !isUp(label)), ...labels.filter(isUp)];
  const shown = ordered.slice(0, room);
  const seldom = NODE_SELDOM.filter(([, name]) =>
    labels.some((label) => (now.figures.get(`node.${label}.${name}`) ?? 0) > 0),
  );
  const rows = shown.map((label) => {
    const figure = (name: string) => now.figures.get(`node.${label}.${name}`);
    const perSecond = (name: string) => rate(`node.${label}.${name}`);
    const bytesRate = perSecond("bytes_sent");
    return [
      label.replace(/\p{C}/gu, "?"),
      isUp(label) ? "up" : "DOWN",
      ...["lines_relayed", "lines_dropped", "datagrams_sent"].map((name) => rateText(perSecond(name))),
      rateText(bytesRate === undefined ? undefined : bytesRate / 1000),
      ...["lines_pending", "refusals", "checks_failed"].map((name) => countText(figure(name))),
      ...seldom.map(([, name]) => countText(figure(name))),
    ];
  });
  const loses = (label: string) => NODE_LOSSES.some((name) => (rate(`node.${label}.${name}`) ?? 0) > 0);
  const alarms = shown.map((label) => !isUp(label) || loses(label));
  const head = [...NODE_HEAD, ...seldom.map(([title]) => title)];
  const lines = withAlarms([head, ...rows], [...head.keys()].slice(2), [false, ...alarms]);
  const rest = labels.length - shown.length;
  return rest > 0 ? [...lines, { text: `... and ${rest} more`, alarm: false }] : lines;
}

function withAlarms(rows: readonly string[][], right: readonly number[], alarms: readonly boolean[]): FrameLine[] {
  const texts = tableText(rows, right).split("\n").slice(0, -1);
  return texts.map((text, i) => ({ text, alarm: alarms[i] }));
}

/** By the proxy's own clock; not over its restart. */
function rateOf(before: Sample | undefined, now: Sample): (name: string) => number | undefined {
  const seconds = before === undefined ? 0 : now.uptimeSeconds - before.uptimeSeconds;
  return (name) => {
    const [from, to] = [before?.figures.get(name), now.figures.get(name)];
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
