/** The frames of `statsd-proxy top`: from two samples of a proxy's figures to lines of text. */
import { delayText } from "../observe/delayText.ts";
import { tableText } from "../text/table.ts";
import { nodeLines } from "./topNodes.ts";
import type { Sample } from "./topSample.ts";
import { countText, durationText, type FrameLine, type PerSecond, printable, rateText, wrapped } from "./topText.ts";
import { FIRST_VIEW, type TopView } from "./topView.ts";

type Name = keyof Sample["figures"];

/** A verdict takes so many lines at most. */
const VERDICT_LINES_MAX = 3;
/** Other troubles that are shown, and the lines that each takes at most. */
const OTHERS_MAX = 4;
const OTHER_LINES_MAX = 2;
/** Lines of a terminal that has room for these, and for a line for each total. */
const ROOMY_LINES = 30;

export interface FrameParts {
  /** Where the figures come from. */
  readonly address: string;
  /** The previous sample, for rates; undefined: there is none. */
  readonly before: Sample | undefined;
  readonly now: Sample;
  /** Available lines. */
  readonly linesMax?: number;
  /** Their width. */
  readonly columnsMax?: number;
  readonly view?: TopView;
  /** That there is no answer, and since when; undefined: there is one. */
  readonly noAnswer?: string | undefined;
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

export function frameOf(parts: FrameParts): FrameLine[] {
  const { address, before, now, view = FIRST_VIEW, noAnswer } = parts;
  const { linesMax = Number.POSITIVE_INFINITY, columnsMax = Number.POSITIVE_INFINITY } = parts;
  const { figures } = now;
  const perSecond = perSecondBetween(before, now);
  const rate = (name: Name) => perSecond(before?.figures[name], figures[name]);
  const { nodes_up: up = 0, nodes: all = 0 } = figures;
  const title = `statsd-proxy ${address}   up ${durationText(now.uptime_ms / 1000)}   nodes: ${up} of ${all} up`;

  const rare = RARE.filter(({ name }) => (figures[name] ?? 0) > 0);
  const totals = { now, rate, rare, window: windowText(before, now) };
  const top = [
    { text: title, alarm: up < all },
    ...identityLines(now, columnsMax),
    ...(noAnswer === undefined ? verdictLines(now, columnsMax, linesMax) : alarmLines(noAnswer, columnsMax)),
    { text: "", alarm: false },
  ];
  const whole = totalLines(totals);
  const rest = [{ text: delayText(figures), alarm: false }, { text: "", alarm: false }, ...viewLines(view)];
  const fits = top.length + whole.length + rest.length + 1 + now.nodes.length <= linesMax;
  const head = [...top, ...(fits || linesMax >= ROOMY_LINES ? whole : shortTotalLines(totals)), ...rest];
  return [...head, ...nodeLines({ before, now, perSecond, view, linesMax: linesMax - head.length, columnsMax })];
}

interface Totals {
  readonly now: Sample;
  readonly rate: (name: Name) => number | undefined;
  readonly rare: readonly Total[];
  /** The time that rates are of. */
  readonly window: string;
}

function totalLines({ now: { figures }, rate, rare, window }: Totals): FrameLine[] {
  const totals = [...TOTALS.filter(({ name }) => figures[name] !== undefined), ...rare];
  const rows = totals.map(({ label, name, state }) => [
    label,
    state ? "" : rateText(rate(name)),
    countText(figures[name]),
  ]);
  const alarms = totals.map((total) => rare.includes(total) || (total.loss === true && (rate(total.name) ?? 0) > 0));
  return withAlarms([["", window, "total"], ...rows], [1, 2], [false, ...alarms]);
}

/** The same in half the lines, for nodes need the room. */
function shortTotalLines({ now: { figures }, rate, rare, window }: Totals): FrameLine[] {
  const heads = [window, "received", "relayed", "sent", "rejected", "dropped", "pending"];
  const rowsOf = (what: string, names: readonly (Name | undefined)[], pending?: Name) => [
    [what, ...names.map((name) => (name === undefined ? "" : rateText(rate(name)))), ""],
    ["  total", ...[...names, pending].map((name) => (name === undefined ? "" : countText(figures[name])))],
  ];
  const lines = ["lines_received", "lines_relayed", undefined, "lines_rejected", "lines_dropped"] as const;
  const datagrams = ["packets_received", undefined, "datagrams_sent", undefined, "kernel_drops"] as const;
  const isLosing = (names: readonly Name[]) => names.some((name) => (rate(name) ?? 0) > 0);
  const [linesAlarm, datagramsAlarm] = [isLosing(["lines_rejected", "lines_dropped"]), isLosing(["kernel_drops"])];
  return [
    ...withAlarms(
      [heads, ...rowsOf("lines", lines, "lines_pending"), ...rowsOf("datagrams", datagrams)],
      [1, 2, 3, 4, 5, 6],
      [false, linesAlarm, linesAlarm, datagramsAlarm, datagramsAlarm],
    ),
    ...rare.map(({ label, name }) => ({ text: `${label}: ${countText(figures[name])}`, alarm: true })),
  ];
}

/** Which proxy it is, as far as it tells. Of a long path the end is shown. */
function identityLines({ host_name, listening, file, version, config }: Sample, columnsMax: number): FrameLine[] {
  if (host_name === undefined) return [];
  const hash = config?.hash === undefined || config.hash === "" ? "" : ` (${config.hash})`;
  const textWith = (path: string | null | undefined) =>
    printable(
      [host_name, `metrics at ${listening}`, ...(path ? [`${path}${hash}`] : []), `version ${version}`].join(", "),
    );
  const whole = textWith(file);
  const tooMuch = whole.length - columnsMax;
  const text = file && tooMuch > 0 ? textWith(`..${file.slice(tooMuch + 2) || file.slice(-1)}`) : whole;
  return [{ text, alarm: false }];
}

function alarmLines(text: string, columnsMax: number): FrameLine[] {
  return wrapped(printable(text), columnsMax, VERDICT_LINES_MAX).map((line) => ({ text: line, alarm: true }));
}

/** The verdict; an older proxy has none. */
function verdictLines(now: Sample, columnsMax: number, linesMax: number): FrameLine[] {
  const { verdict, figures } = now;
  if (verdict === undefined) return figures.config_latest === 0 ? [{ text: reloadFailedText(now), alarm: true }] : [];
  const alarm = verdict.state !== "ok";
  const [worst, ...others] = verdict.troubles ?? [];
  const areListed = worst !== undefined && linesMax >= ROOMY_LINES;
  const listed = areListed ? others.slice(0, OTHERS_MAX) : [];
  const rest = others.length - listed.length;
  return [
    // The verdict's line says how many others there are.
    ...wrapped(printable(areListed ? worst.line : verdict.line), columnsMax, VERDICT_LINES_MAX),
    ...listed.flatMap(({ line }) => wrapped(`also: ${printable(line)}`, columnsMax, OTHER_LINES_MAX)),
    ...(areListed && rest > 0 ? [`also: ${rest} more: status at the console lists them`] : []),
  ].map((text) => ({ text, alarm }));
}

function viewLines({ filter, isTyping, sort }: TopView): FrameLine[] {
  const parts = [
    ...(isTyping || filter !== "" ? [`/${filter}${isTyping ? "_" : ""}`] : []),
    ...(sort === "worst first" ? [] : [`by ${sort}`]),
  ];
  return parts.length === 0 ? [] : [{ text: printable(parts.join("   ")), alarm: false }];
}

/** The time that rates are of. */
function windowText(before: Sample | undefined, now: Sample): string {
  const seconds = before === undefined ? 0 : (now.uptime_ms - before.uptime_ms) / 1000;
  if (seconds <= 0) return "per second";
  return `per second, over ${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
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

/** Uses the proxy's own clock; undefined across a restart. */
function perSecondBetween(before: Sample | undefined, now: Sample): PerSecond {
  const seconds = before === undefined ? 0 : (now.uptime_ms - before.uptime_ms) / 1000;
  return (from, to) => {
    if (seconds <= 0 || from === undefined || to === undefined) return undefined;
    return Math.max(0, to - from) / seconds;
  };
}
