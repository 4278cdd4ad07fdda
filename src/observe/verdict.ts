/**
 * How the proxy is, in one line: what is wrong, since when, what to do. Page, `top`, console, HTTP, log and metrics all
 * show this one.
 */
import { memoizeLast } from "../placement/memoizeLast.ts";
import { counted, durationWords, percentText, sizeText, timeText, wholeText } from "../text/quantities.ts";
import { nodeTroubles } from "./nodeTroubles.ts";
import { WINDOW_MS } from "./recent.ts";
import {
  IN_WINDOW,
  losing,
  namedText,
  type Trouble,
  timesText,
  troubleOf,
  VERDICT_STATES,
  type VerdictState,
} from "./trouble.ts";
import type { View } from "./view.ts";

export interface Verdict {
  readonly state: VerdictState;
  /** The worst trouble, and how many others there are. */
  readonly line: string;
  /** The worst first. */
  readonly troubles: readonly Trouble[];
}

/** Above these, the proxy has no time left. */
export const CPU_SHARE_MAX = 0.95;
export const LAG_SECONDS_MAX = 1;
/** Share of rejected lines from which on something is wrong with a client. */
const REJECTED_SHARE_MAX = 0.1;
const REJECTED_MIN = 30;

/** Of one view it is asked for more than once. */
export const verdictOf = memoizeLast((view: View): Verdict => {
  const troubles = [
    ...broken(view),
    ...looping(view),
    ...kernelDrops(view),
    ...nodeTroubles(view),
    ...drained(view),
    ...reloadFailed(view),
    ...overload(view),
    ...rejected(view),
    ...logLost(view),
  ];
  troubles.sort((a, b) => VERDICT_STATES.indexOf(a.state) - VERDICT_STATES.indexOf(b.state));
  const [worst, ...others] = troubles;
  if (worst === undefined) return { state: "ok", line: okLine(view), troubles };
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return { state: worst.state, line: worst.line + more, troubles };
});

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

function kernelDrops(view: View): Trouble[] {
  const { recent, nowMs } = view;
  const { kernel_drops: drops, packets_received: received } = recent.proxy;
  return losing("kernel_drops", drops, nowMs, ({ amount }, when) => {
    const share = percentText(amount / (amount + (received?.amount ?? 0)));
    const size = grantedOf(recent.fullBufferBytes);
    const buffer = size > 0 ? `its buffer of ${sizeText(size)} was full` : "its buffer was full";
    return `the kernel dropped ${counted(amount, "datagram")} ${IN_WINDOW} (${share}), ${when}, ${buffer}: ${bufferHelp(view)}`;
  });
}

function bufferHelp({ recent, receiveBufferBytes, settings }: View): string {
  const { lateSeconds = 0 } = recent;
  const [then, now] = [grantedOf(recent.fullBufferBytes), grantedOf(receiveBufferBytes)];
  if (then > 0 && now > then) return `it has ${sizeText(now)} by now`;
  if (lateSeconds > LAG_SECONDS_MAX)
    return `the proxy did not run for ${durationWords(lateSeconds)}: was it stopped, or the machine too busy?`;
  return now >= settings.receiveBuffer
    ? "raise receiveBuffer, or share the port among several proxies (reusePort)"
    : `sysctl -w net.core.rmem_max=${settings.receiveBuffer}, and restart`;
}

/** The kernel reports twice what can be asked for. */
function grantedOf(receiveBufferBytes = 0): number {
  return receiveBufferBytes / 2;
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
