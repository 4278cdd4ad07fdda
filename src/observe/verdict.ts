/**
 * How the proxy is, in one line: what is wrong, since when, what to do. Page, `top`, console, HTTP, log and metrics all
 * show this one.
 */
import { durationWords, percentText, sizeText, timeText, wholeText } from "../text/quantities.ts";
import { flapsOf, type Grown, WINDOW_MS } from "./recent.ts";
import type { NodeView, View } from "./view.ts";

/** From the worst to the best. `drained`: an operator wants it so. */
export const VERDICT_STATES = ["critical", "losing", "drained", "warning", "ok"] as const;
export type VerdictState = (typeof VERDICT_STATES)[number];

/** One thing that is wrong. */
export interface Trouble {
  readonly kind: string;
  readonly state: VerdictState;
  readonly line: string;
  /** Undefined: not known. */
  readonly sinceMs: number | undefined;
}

export interface Verdict {
  readonly state: VerdictState;
  /** The worst trouble, and how many others there are. */
  readonly line: string;
  /** The worst first. */
  readonly troubles: readonly Trouble[];
}

/** A loss that has ended a minute ago is no longer happening. */
const OVER_MS = 60_000;
/** Nodes that a line names. */
const NAMED_MAX = 2;
/** Above these, the proxy has no time left. */
const CPU_SHARE_MAX = 0.95;
const LAG_SECONDS_MAX = 1;
/** Share of rejected lines from which on something is wrong with a client. */
const REJECTED_SHARE_MAX = 0.1;
const REJECTED_MIN = 30;
const IN_WINDOW = `in ${WINDOW_MS / 60_000} min`;

export function verdictOf(view: View): Verdict {
  const troubles = [
    ...broken(view),
    ...looping(view),
    ...kernelDrops(view),
    ...nodesDown(view),
    ...setAside(view),
    ...sendingFails(view),
    ...refused(view),
    ...drained(view),
    ...reloadFailed(view),
    ...overload(view),
    ...flapping(view),
    ...rejected(view),
    ...logLost(view),
  ];
  troubles.sort((a, b) => VERDICT_STATES.indexOf(a.state) - VERDICT_STATES.indexOf(b.state));
  const [worst, ...others] = troubles;
  if (worst === undefined) return { state: "ok", line: okLine(view), troubles };
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return { state: worst.state, line: worst.line + more, troubles };
}

/** What a verdict is about, without figures that change from second to second. */
export function verdictKey({ state, troubles }: Verdict): string {
  return [state, ...troubles.map(troubleKey)].join(" ");
}

/** The same of one trouble. */
export function troubleKey({ kind, state }: Trouble): string {
  return `${kind}=${state}`;
}

function okLine({ nodes, uptimeSeconds, recent }: View): string {
  const up = nodes.length === 1 ? "the node is up" : `all ${nodes.length} nodes up`;
  const period = 1000 * uptimeSeconds < WINDOW_MS ? "since the start" : IN_WINDOW;
  const { lines_received: received, lines_rejected: rejected } = recent.proxy;
  if (rejected === undefined) return `ok: ${up}, nothing lost ${period}`;
  const share = percentText(rejected.amount / Math.max(rejected.amount, received?.amount ?? 0));
  return `ok: ${up}, nothing lost ${period} but ${counted(rejected.amount, "line")} that ${rejected.amount === 1 ? "is no metric" : "are no metrics"} (${share})`;
}

function broken({ recent, nowMs }: View): Trouble[] {
  const { invariant_violations: sums, internal_errors: errors } = recent.proxy;
  const report = "a bug, please report it with the log";
  return [
    ...troubleOf("accounting", "critical", sums, ({ amount }, when) => {
      return `critical: sums of lines did not add up ${timesText(amount)} ${IN_WINDOW}, ${when(nowMs)}: ${report}`;
    }),
    ...troubleOf("internal_errors", "critical", errors, ({ amount }, when) => {
      return `critical: ${counted(amount, "internal error")} ${IN_WINDOW}, ${when(nowMs)}: ${report}`;
    }),
  ];
}

function looping({ loop, nodes, nowMs }: View): Trouble[] {
  if (loop === undefined) return [];
  const { sinceMs } = loop;
  const named = nodes.filter(({ label }) => loop.nodes.includes(label));
  const which = named.length === 0 ? "a node" : namedText(named);
  const line = `warning: a loop, noticed at ${timeText(sinceMs, nowMs)}: what arrives stops whenever nothing is sent to ${which}: does it relay back to this proxy?`;
  return [{ kind: "loop", state: "warning", line, sinceMs }];
}

function nodesDown(view: View): Trouble[] {
  const { nodes, recent, nowMs, namesMoved, settings } = view;
  const down = nodes.filter((node) => !node.isUp && !isSetAside(node));
  if (down.length === 0) return pastDrops(view);
  const isAll = nodes.every(({ isUp }) => !isUp);
  const others = nodes.filter((node) => !isSetAside(node));
  const dropped = joined([recent.proxy.no_live_node, droppedAt(others, view)]);
  const sinceMs = Math.min(...down.map(({ health }) => health.sinceMs));
  const state = isAll ? "critical" : dropped !== undefined && isGoingOn(dropped, nowMs) ? "losing" : "warning";
  const which =
    nodes.length === 1
      ? "the only node is"
      : down.length === nodes.length
        ? `all ${nodes.length} nodes`
        : `${down.length} of ${nodes.length} nodes`;
  const moved =
    isAll || namesMoved === undefined || namesMoved === 0
      ? ""
      : `, ${percentText(partOf(down, view))} of the names moved`;
  const what = settings.mirror ? "copies" : "lines";
  const lost = dropped === undefined ? "" : `, ${wholeText(dropped.amount)} ${what} dropped ${IN_WINDOW}`;
  const line = `${state}: ${which} down since ${timeText(sinceMs, nowMs)}${moved}${lost}: ${namedText(down, reasonOf)}`;
  return [{ kind: "nodes_down", state, line, sinceMs }];
}

/** Part of the names that moved because of these nodes, which are some of those that get no lines. */
function partOf(out: readonly NodeView[], { nodes, namesMoved = 0 }: View): number {
  if (nodes.every((node) => node.isUp || out.includes(node))) return namesMoved;
  return out.reduce((part, { fullShare = 0 }) => part + fullShare, 0);
}

/** Lines that were due to these nodes while they were out. */
function droppedAt(nodes: readonly NodeView[], { recent }: View): Grown | undefined {
  return joined(
    nodes.flatMap(({ counters }) => {
      const grown = recent.nodes.get(counters);
      return [grown?.node_down, grown?.held];
    }),
  );
}

/** An operator wants it so; without another node, or if the names are held, lines are lost all the same. */
function setAside(view: View): Trouble[] {
  const { nodes, nowMs, settings } = view;
  const aside = nodes.filter(isSetAside);
  if (aside.length === 0) return [];
  const sinceMs = Math.min(...aside.map(({ health }) => health.sinceMs));
  const isAll = nodes.every(({ isUp }) => !isUp);
  const nobody = isAll ? ", and no node is left" : "";
  const which = `${aside.length} of ${nodes.length} nodes`;
  const how = namedText(aside, ({ health }) => health.state);
  // When mirroring, the others have a copy.
  const dropped = settings.mirror ? undefined : droppedAt(aside, view);
  const lost = dropped === undefined ? "" : `, ${counted(dropped.amount, "line")} dropped ${IN_WINDOW}`;
  const state = isAll ? "critical" : isGoingOn(dropped, nowMs) ? "losing" : "warning";
  const line = `${state}: ${which} taken out by operators since ${timeText(sinceMs, nowMs)}${nobody}${lost}: ${how}: node NAME up ends it`;
  return [{ kind: "set_aside", state, line, sinceMs }];
}

function isSetAside({ health }: NodeView): boolean {
  return health.state === "drained" || health.state === "set down";
}

/** The nodes are back, but their lines are not. */
function pastDrops(view: View): Trouble[] {
  const { nodes, recent, nowMs } = view;
  const back = nodes.filter((node) => !isSetAside(node));
  const dropped = joined([
    nodes.some(({ isUp }) => isUp) ? recent.proxy.no_live_node : undefined,
    droppedAt(back, view),
  ]);
  return troubleOf("nodes_were_down", "warning", dropped, ({ amount }, when) => {
    return `warning: ${counted(amount, "line")} dropped ${IN_WINDOW} while nodes were down, ${when(nowMs)}; all are back`;
  });
}

function reasonOf({ health }: NodeView): string {
  return health.noAddress ?? health.lastCheck?.failure ?? "";
}

function kernelDrops(view: View): Trouble[] {
  const { recent, receiveBufferBytes, settings, nowMs } = view;
  const { kernel_drops: drops, packets_received: received } = recent.proxy;
  return losing("kernel_drops", drops, nowMs, ({ amount }, when) => {
    const share = percentText(amount / (amount + (received?.amount ?? 0)));
    // The kernel reports twice what can be asked for.
    const granted = (receiveBufferBytes ?? 0) / 2;
    const buffer = granted > 0 ? `its buffer of ${sizeText(granted)} was full` : "its buffer was full";
    const lateSeconds = view.eventLoopLag?.maxSeconds ?? 0;
    const help =
      lateSeconds > LAG_SECONDS_MAX
        ? `the proxy did not run for ${durationWords(lateSeconds)}: was it stopped, or the machine too busy?`
        : granted >= settings.receiveBuffer
          ? "raise receiveBuffer, or share the port among several proxies (reusePort)"
          : `sysctl -w net.core.rmem_max=${settings.receiveBuffer}, and restart`;
    return `the kernel dropped ${counted(amount, "datagram")} ${IN_WINDOW} (${share}), ${when}, ${buffer}: ${help}`;
  });
}

function sendingFails({ nodes, recent, nowMs }: View): Trouble[] {
  const full = of(nodes, ({ counters }) => recent.nodes.get(counters)?.send_buffer_full);
  const failed = of(nodes, ({ counters }) => {
    const grown = recent.nodes.get(counters);
    return grown?.send_error ?? grown?.send_errors;
  });
  const drops = joined(nodes.map(({ counters }) => recent.nodes.get(counters)?.send_error))?.amount ?? 0;
  return [
    ...losing("send_buffer_full", full.grown, nowMs, ({ amount }, when) => {
      return `${counted(amount, "line")} dropped ${IN_WINDOW}, ${when}, the send buffer was full: ${namedText(full.nodes)} takes too little`;
    }),
    ...losing("send_errors", failed.grown, nowMs, (_, when) => {
      const lost = drops === 0 ? "" : `, ${counted(drops, "line")} dropped ${IN_WINDOW}`;
      return `sending fails ${when}${lost}: ${namedText(failed.nodes)}: look at its route and at the firewall`;
    }),
  ];
}

function refused({ nodes, recent, nowMs }: View): Trouble[] {
  const all = of(nodes, ({ counters }) => recent.nodes.get(counters)?.lines_refused);
  // A node that is down gets no more lines; and what was lost before it came back is over.
  const losingNow = of(nodes, ({ counters, isUp, health }) => {
    const grown = recent.nodes.get(counters)?.lines_refused;
    return isUp && isGoingOn(grown, nowMs) && (grown?.lastMs ?? 0) >= health.sinceMs ? grown : undefined;
  });
  const isOver = losingNow.grown === undefined;
  const refusing = isOver ? all : losingNow;
  const text = ({ amount }: Grown, when: string) => {
    const port = "nothing listens at its port for metrics";
    return `${counted(amount, "line")} or more probably lost ${IN_WINDOW}, ${when}, refused by ${namedText(refusing.nodes)}: ${port}`;
  };
  return losing("refused", refusing.grown, nowMs, text, isOver);
}

function drained({ health, nowMs }: View): Trouble[] {
  if (health.isUp) return [];
  const line = `drained at ${timeText(health.sinceMs, nowMs)} by health down: health up ends it`;
  return [{ kind: "drained", state: "drained", line, sinceMs: health.sinceMs }];
}

function reloadFailed({ configuration, nowMs }: View): Trouble[] {
  const { lastFailure, isLatest } = configuration;
  if (isLatest) return [];
  const sinceMs = lastFailure && 1000 * lastFailure.atSeconds;
  const when = sinceMs === undefined ? "" : ` at ${timeText(sinceMs, nowMs)}`;
  const why = lastFailure === undefined ? "" : `: ${lastFailure.reasons[0]}`;
  const line = `warning: the reload${when} failed, an older configuration is in force${why}`;
  return [{ kind: "reload_failed", state: "warning", line, sinceMs }];
}

function overload({ recent, eventLoopLag }: View): Trouble[] {
  const { cpuShare = 0 } = recent;
  const lag = eventLoopLag?.maxSeconds ?? 0;
  const isBusy = cpuShare > CPU_SHARE_MAX;
  if (!isBusy && lag <= LAG_SECONDS_MAX) return [];
  const what = isBusy
    ? `${percentText(cpuShare)} of a core within 10 s`
    : `the event loop was ${durationWords(lag)} late within a minute`;
  const help = isBusy
    ? "share the port among several proxies (reusePort)"
    : "the machine is too busy, or the process was stopped";
  const line = `warning: overload, ${what}: ${help}`;
  return [{ kind: "overload", state: "warning", line, sinceMs: undefined }];
}

function flapping({ nodes, recent, nowMs }: View): Trouble[] {
  const changed = of(nodes, ({ counters }) => flapsOf(recent, counters));
  return troubleOf("flapping", "warning", changed.grown, ({ amount }, when) => {
    const which = namedText(changed.nodes);
    return `warning: ${which} changed between up and down ${timesText(amount)} ${IN_WINDOW}, ${when(nowMs)}: raise fall and rise, or look at it`;
  });
}

function rejected({ recent, nowMs }: View): Trouble[] {
  const { lines_received: received, lines_rejected: lines } = recent.proxy;
  const share = (lines?.amount ?? 0) / (received?.amount ?? 1);
  const isMuch = share > REJECTED_SHARE_MAX && (lines?.amount ?? 0) >= REJECTED_MIN;
  return troubleOf("rejected", "warning", isMuch ? lines : undefined, ({ amount }, when) => {
    return `warning: ${percentText(share)} of the lines are no metrics, ${wholeText(amount)} ${IN_WINDOW}, ${when(nowMs)}: the console's "tap rejected" shows them`;
  });
}

function logLost({ recent, nowMs }: View): Trouble[] {
  return troubleOf("log_lost", "warning", recent.proxy.log_lines_lost, ({ amount }, when) => {
    return `warning: ${counted(amount, "log line")} lost ${IN_WINDOW}, ${when(nowMs)}: nobody reads standard error`;
  });
}

/** Several nodes' growth, and these nodes, the one with the most first. */
function of(
  nodes: readonly NodeView[],
  grownOf: (node: NodeView) => Grown | undefined,
): { readonly grown: Grown | undefined; readonly nodes: readonly NodeView[] } {
  const found = nodes.flatMap((node) => {
    const grown = grownOf(node);
    return grown === undefined ? [] : [{ node, grown }];
  });
  found.sort((a, b) => b.grown.amount - a.grown.amount);
  return { grown: joined(found.map(({ grown }) => grown)), nodes: found.map(({ node }) => node) };
}

function joined(all: readonly (Grown | undefined)[]): Grown | undefined {
  const found = all.filter((grown) => grown !== undefined);
  if (found.length === 0) return undefined;
  return {
    amount: found.reduce((sum, { amount }) => sum + amount, 0),
    sinceMs: Math.min(...found.map(({ sinceMs }) => sinceMs)),
    lastMs: Math.max(...found.map(({ lastMs }) => lastMs)),
  };
}

function isGoingOn(grown: Grown | undefined, nowMs: number): boolean {
  return grown !== undefined && nowMs - grown.lastMs < OVER_MS;
}

function losing(
  kind: string,
  grown: Grown | undefined,
  nowMs: number,
  text: (grown: Grown, when: string) => string,
  isOver = !isGoingOn(grown, nowMs),
): Trouble[] {
  if (grown === undefined) return [];
  const isNow = !isOver;
  const line = `${isNow ? "losing" : "warning, lost"}: ${text(grown, whenText(grown, nowMs, isNow))}`;
  return [{ kind, state: isNow ? "losing" : "warning", line, sinceMs: grown.sinceMs }];
}

function troubleOf(
  kind: string,
  state: VerdictState,
  grown: Grown | undefined,
  line: (grown: Grown, when: (nowMs: number) => string) => string,
): Trouble[] {
  if (grown === undefined) return [];
  return [{ kind, state, line: line(grown, (nowMs) => whenText(grown, nowMs)), sinceMs: grown.sinceMs }];
}

/** Since when; and until when, if it is over. */
function whenText(grown: Grown, nowMs: number, isNow = isGoingOn(grown, nowMs)): string {
  const from = timeText(grown.sinceMs, nowMs);
  if (isNow) return `since ${from}`;
  return grown.sinceMs === grown.lastMs ? `at ${from}` : `${from} to ${timeText(grown.lastMs, nowMs)}`;
}

function namedText(nodes: readonly NodeView[], noteOf: (node: NodeView) => string = () => ""): string {
  const named = nodes.slice(0, NAMED_MAX).map((node) => {
    const note = noteOf(node);
    return note === "" ? node.label : `${node.label} (${note})`;
  });
  const more = nodes.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function counted(amount: number, what: string): string {
  return `${wholeText(amount)} ${what}${amount === 1 ? "" : "s"}`;
}

function timesText(amount: number): string {
  return amount === 1 ? "once" : `${wholeText(amount)} times`;
}
