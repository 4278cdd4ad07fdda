/** The frames of `statsd-proxy top`: from two samples of a proxy's figures to lines of text. */
import * as v from "valibot";
import { delayText } from "../observe/delayText.ts";
import { tableText } from "../text/table.ts";
import { nodeLines } from "./topNodes.ts";
import { countText, durationText, type PerSecond, printable, rateText, wrapped } from "./topText.ts";
import { FIRST_VIEW, type TopView } from "./topView.ts";

/** A verdict takes so many lines at most. */
const VERDICT_LINES_MAX = 3;
/** Other troubles that are shown, and the lines of a terminal that has room for them. */
const OTHERS_MAX = 4;
const ROOMY_LINES = 30;

/** Not every proxy, or every machine, has all figures. */
const figure = v.optional(v.number());

/** The part of a `StatusJson` that is shown. */
const sampleSchema = v.object({
  uptime_ms: v.number(),
  version: v.optional(v.string()),
  host_name: v.optional(v.string()),
  listening: v.optional(v.string()),
  file: v.nullish(v.string()),
  verdict: v.optional(
    v.object({ state: v.string(), line: v.string(), troubles: v.optional(v.array(v.object({ line: v.string() }))) }),
  ),
  config: v.optional(
    v.object({ hash: v.optional(v.string()), last_failure: v.nullish(v.object({ reasons: v.array(v.string()) })) }),
  ),
  figures: v.object({
    packets_received: figure,
    kernel_drops: figure,
    lines_received: v.number(),
    lines_rejected: figure,
    lines_relayed: figure,
    lines_dropped: figure,
    lines_pending: figure,
    datagrams_sent: figure,
    delay_p50_seconds: figure,
    delay_p99_seconds: figure,
    delays_measured: figure,
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
      state: v.optional(v.string()),
      flapping: v.nullish(v.object({ changes: v.number() })),
      figures: v.object({
        ring_share: figure,
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
/** Parses the answer to `status json`; undefined: it is something else. */
export function sampleOf(answer: string): Sample | undefined {
  try {
    const { success, output } = v.safeParse(sampleSchema, JSON.parse(answer));
    return success ? output : undefined;
  } catch {
    return undefined;
  }
}

export function frameOf(parts: FrameParts): FrameLine[] {
  const { address, before, now, view = FIRST_VIEW, noAnswer } = parts;
  const { linesMax = Number.POSITIVE_INFINITY, columnsMax = Number.POSITIVE_INFINITY } = parts;
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
    ...identityLines(now),
    ...(noAnswer === undefined ? verdictLines(now, columnsMax, linesMax) : [{ text: noAnswer, alarm: true }]),
    { text: "", alarm: false },
    ...withAlarms([["", windowText(before, now), "total"], ...totalRows], [1, 2], [false, ...alarms]),
    { text: delayText(figures), alarm: false },
    { text: "", alarm: false },
    ...viewLines(view),
  ];
  return [...head, ...nodeLines({ before, now, perSecond, view, linesMax: linesMax - head.length, columnsMax })];
}

/** Which proxy it is, as far as it tells. */
function identityLines({ host_name, listening, file, version, config }: Sample): FrameLine[] {
  if (host_name === undefined) return [];
  const hash = config?.hash === undefined || config.hash === "" ? "" : ` (${config.hash})`;
  const parts = [host_name, `metrics at ${listening}`, ...(file ? [`${file}${hash}`] : []), `version ${version}`];
  return [{ text: printable(parts.join(", ")), alarm: false }];
}

/** The verdict; an older proxy has none. */
function verdictLines(now: Sample, columnsMax: number, linesMax: number): FrameLine[] {
  const { verdict, figures } = now;
  if (verdict === undefined) return figures.config_latest === 0 ? [{ text: reloadFailedText(now), alarm: true }] : [];
  const alarm = verdict.state !== "ok";
  const others = linesMax < ROOMY_LINES ? [] : (verdict.troubles ?? []).slice(1, 1 + OTHERS_MAX);
  return [
    ...wrapped(printable(verdict.line), columnsMax, VERDICT_LINES_MAX),
    ...others.map(({ line }) => `also: ${printable(line)}`),
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
