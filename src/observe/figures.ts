/**
 * The one table of figures: the source for the console, HTTP (JSON, Prometheus) and the table in OPERATING.md. All
 * figures of an answer are read from the same view, so they belong to the same moment. observe/readings.ts walks the
 * table.
 */

import { checkOf } from "../config/nodeCheck.ts";
import { REJECT_REASONS } from "../protocol/line.ts";
import { BATCH_DATAGRAMS_MAX } from "../relay/batch.ts";
import {
  allDropped,
  CUT_REASONS,
  DROP_REASONS,
  type DropReason,
  HTTP_CODES,
  HTTP_CUT_REASONS,
  NODELESS_DROP_REASONS,
  type NodeCounters,
  type NodelessDropReason,
  RELOAD_RESULTS,
  sum,
} from "../relay/counters.ts";
import { healthOf } from "./proxyHealth.ts";
import { VERDICT_STATES } from "./trouble.ts";
import { verdictOf } from "./verdict.ts";
import type { NodeView, View } from "./view.ts";

type Unit =
  | "datagrams"
  | "lines"
  | "bytes"
  | "nodes"
  | "checks"
  | "names"
  | "refusals"
  | "errors"
  | "connections"
  | "descriptors"
  | "requests"
  | "changes"
  | "seconds"
  | "part"
  | "state";

/** Distinguishes the values of one figure: a reason, or a status code. */
export type Key = string | number;

export type Figure<Of> = PlainFigure<Of> | KeyedFigure<Of>;

/** A single value. */
interface PlainFigure<Of> extends Described {
  readonly by?: undefined;
  /** Undefined: not known on this system, and not shown. */
  read(of: Of): number | undefined;
  readonly metric?: Metric<never>;
  readonly loss?: Loss<never>;
  /** Included in the log's summary when the proxy stops. */
  readonly atStop?: true;
}

/** One value per key. */
interface KeyedFigure<Of, K extends Key = Key> extends Described {
  readonly by: "reason" | "code" | "result" | "state";
  readonly keys: readonly K[];
  read(of: Of, key: K): number;
  readonly metric?: Metric<K>;
  readonly loss?: Loss<K>;
}

interface Described {
  readonly name: string;
  readonly unit: Unit;
  readonly meaning: string;
  /** It goes up and down. Absent: it only grows, like every figure whose metric is a counter. */
  readonly gauge?: true;
}

/** It should not grow; when it does, it is logged as this event. */
interface Loss<K> {
  readonly event: string;
  /** Only these keys: the others are reported per node. Absent: all. */
  readonly only?: readonly K[];
}

/** Its Prometheus metric. A figure without one is a sum that Prometheus can compute itself. */
export interface Metric<K = Key> {
  /** Several figures may share a metric, distinguished by labels. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  /** Labels besides `backend` and the key. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only these keys: the others are counted per node. */
  readonly only?: readonly K[];
  /** For when the figure's meaning does not describe the whole metric. */
  readonly help?: string;
}

export const FIGURES: readonly Figure<View>[] = [
  {
    name: "packets_received",
    unit: "datagrams",
    meaning: "datagrams received from the kernel",
    read: ({ counters }) => counters.packetsReceived,
    metric: { name: "statsd_proxy_datagrams_received_total", type: "counter" },
    atStop: true,
  },
  {
    name: "kernel_drops",
    unit: "datagrams",
    meaning: "datagrams that the kernel dropped before the proxy could read them, because its buffer was full (Linux)",
    read: ({ kernelDrops }) => kernelDrops,
    metric: { name: "statsd_proxy_kernel_drops_total", type: "counter" },
    loss: { event: "kernel_drops" },
    atStop: true,
  },
  {
    name: "datagrams_unread",
    unit: "datagrams",
    meaning: "datagrams still in the kernel after a stopping proxy had read for five seconds",
    read: ({ counters }) => counters.datagramsUnread,
    metric: { name: "statsd_proxy_datagrams_unread_total", type: "counter" },
    loss: { event: "datagrams_unread" },
    atStop: true,
  },
  {
    name: "bytes_received",
    unit: "bytes",
    meaning: "bytes in those datagrams",
    read: ({ counters }) => counters.bytesReceived,
    metric: { name: "statsd_proxy_received_bytes_total", type: "counter" },
  },
  {
    name: "lines_received",
    unit: "lines",
    meaning: "lines in those datagrams, not counting empty ones; always rejected + accepted",
    read: ({ counters }) => counters.linesReceived,
    metric: { name: "statsd_proxy_lines_received_total", type: "counter" },
    atStop: true,
  },
  {
    name: "lines_accepted",
    unit: "lines",
    meaning: "lines that are metrics; always relayed + dropped + pending (when mirroring, these count copies)",
    read: ({ counters }) => counters.linesAccepted,
    metric: { name: "statsd_proxy_lines_accepted_total", type: "counter" },
  },
  {
    name: "lines_rejected",
    unit: "lines",
    meaning: "lines that are not metrics",
    read: ({ counters }) => sum(counters.linesRejected),
    atStop: true,
  },
  keyed({
    name: "lines_rejected",
    by: "reason",
    keys: REJECT_REASONS,
    unit: "lines",
    meaning: "of these, by the first thing that is missing or wrong",
    read: ({ counters }, reason) => counters.linesRejected[REJECT_REASONS.indexOf(reason)],
    metric: {
      name: "statsd_proxy_lines_rejected_total",
      type: "counter",
      help: "lines that are not metrics, by the first thing that is missing or wrong",
    },
  }),
  {
    name: "lines_relayed",
    unit: "lines",
    meaning: "lines handed to the kernel for a backend, on all nodes",
    read: (view) => sum(countersOf(view).map(({ linesRelayed }) => linesRelayed)),
    atStop: true,
  },
  {
    name: "lines_refused",
    unit: "lines",
    meaning: "of these, lines that a backend probably did not get: one for each refusal, and never too many",
    read: (view) => sum(countersOf(view).map(({ linesRefused }) => linesRefused)),
    atStop: true,
  },
  {
    name: "lines_dropped",
    unit: "lines",
    meaning: "accepted lines that no backend will get, on all nodes",
    read: (view) => allDropped(view.counters) + sum(countersOf(view).map(allDropped)),
    atStop: true,
  },
  keyed({
    name: "lines_dropped",
    by: "reason",
    keys: [...NODELESS_DROP_REASONS, ...DROP_REASONS],
    unit: "lines",
    meaning: "of these, by reason",
    read: droppedFor,
    metric: {
      name: "statsd_proxy_lines_dropped_total",
      type: "counter",
      labels: { backend: "" },
      only: NODELESS_DROP_REASONS,
      help: "accepted lines that a backend will not get, by reason; without a backend: they had none",
    },
    loss: { event: "dropping_lines", only: NODELESS_DROP_REASONS },
  }),
  {
    name: "lines_pending",
    unit: "lines",
    meaning: "lines batched and not yet sent, on all nodes",
    read: ({ nodes, retired }) => sum(nodes.map(({ batch }) => batch.linesPending)) + retired.linesPending,
    gauge: true,
  },
  {
    name: "datagrams_sent",
    unit: "datagrams",
    meaning: "datagrams handed to the kernel for a backend, on all nodes",
    read: (view) => sum(countersOf(view).map(({ datagramsSent }) => datagramsSent)),
  },
  {
    name: "delay_p50_seconds",
    unit: "seconds",
    meaning:
      "delay: from the kernel's receipt of a datagram to the hand-over of its lines for a backend; in half of the samples of the last minute it was no longer (Linux)",
    read: ({ delay }) => delay?.p50Seconds,
    gauge: true,
  },
  {
    name: "delay_p99_seconds",
    unit: "seconds",
    meaning: "the same in 99 of 100 samples",
    read: ({ delay }) => delay?.p99Seconds,
    gauge: true,
  },
  {
    name: "delays_measured",
    unit: "datagrams",
    meaning:
      "datagrams that the measured delays stand for, since the start; Prometheus has the whole histogram (Linux)",
    read: ({ delay }) => delay?.count,
  },
  {
    name: "nodes",
    unit: "nodes",
    meaning: "nodes configured",
    read: ({ nodes }) => nodes.length,
    metric: { name: "statsd_proxy_nodes", type: "gauge" },
  },
  {
    name: "nodes_up",
    unit: "nodes",
    meaning: "nodes in the ring now",
    read: ({ nodes }) => nodes.filter(({ isUp }) => isUp).length,
    metric: { name: "statsd_proxy_nodes_up", type: "gauge" },
  },
  {
    name: "lines_self",
    unit: "lines",
    meaning: "lines of the proxy's own metrics handed to the kernel (with selfMetrics); not in any other counter",
    read: ({ counters }) => counters.linesSelf,
    metric: { name: "statsd_proxy_self_lines_total", type: "counter" },
  },
  {
    name: "lines_self_dropped",
    unit: "lines",
    meaning: "lines of the proxy's own metrics that no backend will get",
    read: ({ counters }) => counters.linesSelfDropped,
    metric: { name: "statsd_proxy_self_lines_dropped_total", type: "counter" },
  },
  {
    name: "names_cached",
    unit: "names",
    meaning: "names whose owner is cached: at most cacheSize; 0 on a farmhash ring, which needs no cache",
    read: ({ namesCached }) => namesCached,
    metric: { name: "statsd_proxy_names_cached", type: "gauge" },
  },
  keyed({
    name: "console_cut",
    by: "reason",
    keys: CUT_REASONS,
    unit: "connections",
    meaning: "console connections that the proxy cut, by reason",
    read: ({ counters }, reason) => counters.consoleCut[reason],
    metric: { name: "statsd_proxy_console_cut_total", type: "counter" },
    loss: { event: "console_cut" },
  }),
  keyed({
    name: "http_cut",
    by: "reason",
    keys: HTTP_CUT_REASONS,
    unit: "connections",
    meaning: "HTTP connections that the proxy cut, by reason; idle ones are harmless",
    read: ({ counters }, reason) => counters.httpCut[reason],
    metric: { name: "statsd_proxy_http_cut_total", type: "counter" },
    // Browsers and load balancers leave connections idle: that is no loss.
    loss: { event: "http_cut", only: ["too_many", "unread", "slow"] },
  }),
  {
    name: "receive_buffer_bytes",
    unit: "bytes",
    meaning: "kernel receive buffer granted, as the kernel reports it: twice what can be asked for (Linux)",
    read: ({ receiveBufferBytes }) => receiveBufferBytes,
    metric: { name: "statsd_proxy_receive_buffer_bytes", type: "gauge" },
  },
  keyed({
    name: "http_requests",
    by: "code",
    keys: HTTP_CODES,
    unit: "requests",
    meaning: "HTTP requests answered, by status code",
    read: ({ counters }, code) => counters.httpRequests[code],
    metric: { name: "statsd_proxy_http_requests_total", type: "counter" },
  }),
  {
    name: "internal_errors",
    unit: "errors",
    meaning: "bugs the proxy survived; each is logged, please report it",
    read: ({ counters }) => counters.internalErrors,
    metric: { name: "statsd_proxy_internal_errors_total", type: "counter" },
  },
  {
    name: "invariant_violations",
    unit: "errors",
    meaning: "times that sums of lines did not add up: they are checked once a second, while something happens",
    read: ({ counters }) => counters.invariantViolations,
    metric: { name: "statsd_proxy_invariant_violations_total", type: "counter" },
  },
  {
    name: "healthy",
    unit: "state",
    meaning: "1 while the verdict is ok, else 0: something is down, lost, drained or wrong, and the status says what",
    read: (view) => Number(verdictOf(view).state === "ok"),
    gauge: true,
    metric: { name: "statsd_proxy_healthy", type: "gauge" },
  },
  keyed({
    name: "verdict",
    by: "state",
    keys: VERDICT_STATES,
    unit: "state",
    meaning: "1 for what the verdict begins with, else 0",
    read: (view, state) => Number(verdictOf(view).state === state),
    gauge: true,
    metric: { name: "statsd_proxy_verdict", type: "gauge" },
  }),
  {
    name: "loop",
    unit: "state",
    meaning: "1 while what arrives follows what is sent, as in a loop",
    read: ({ loop }) => Number(loop !== undefined),
    gauge: true,
    metric: { name: "statsd_proxy_loop", type: "gauge" },
  },
  {
    name: "health_up",
    unit: "state",
    meaning: "1 while the console's health and /healthz say up: not set down, and at least one node is up",
    read: (view) => Number(healthOf(view.health.isUp ? "up" : "down", view).health === "up"),
    metric: { name: "statsd_proxy_health_up", type: "gauge" },
  },
  {
    name: "set_down",
    unit: "state",
    meaning: "1 while an operator has set health down",
    read: ({ health }) => Number(!health.isUp),
    metric: { name: "statsd_proxy_set_down", type: "gauge" },
  },
  {
    name: "log_lines_lost",
    unit: "lines",
    meaning: "log lines dropped because nobody read standard error (Linux)",
    read: ({ logLinesLost }) => logLinesLost,
    metric: { name: "statsd_proxy_log_lines_lost_total", type: "counter" },
  },
  {
    name: "config_hash",
    unit: "state",
    meaning: "the configuration file in force: the first 48 bits of its SHA-256, as a number",
    read: ({ configuration }) => Number.parseInt(configuration.hash || "0", 16),
    metric: { name: "statsd_proxy_config_hash", type: "gauge" },
  },
  {
    name: "config_loaded_seconds",
    unit: "seconds",
    meaning: "when the configuration in force was loaded, since 1970",
    read: ({ configuration }) => configuration.loadedAtSeconds,
    metric: { name: "statsd_proxy_config_loaded_timestamp_seconds", type: "gauge" },
  },
  {
    name: "config_latest",
    unit: "state",
    meaning: "0: the last reload failed, and an older configuration is in force; else 1",
    read: ({ configuration }) => Number(configuration.isLatest),
    metric: { name: "statsd_proxy_config_latest", type: "gauge" },
  },
  keyed({
    name: "config_reloads",
    by: "result",
    keys: RELOAD_RESULTS,
    unit: "changes",
    meaning: "times that the configuration was read again, by result",
    read: ({ counters }, result) => counters.configReloads[result],
    metric: { name: "statsd_proxy_config_reloads_total", type: "counter" },
  }),
  {
    name: "event_loop_lag_seconds",
    unit: "seconds",
    meaning: "how late the last once-a-second timer fired (with httpport)",
    read: ({ eventLoopLag }) => eventLoopLag?.lastSeconds,
    metric: { name: "statsd_proxy_event_loop_lag_seconds", type: "gauge" },
  },
  {
    name: "event_loop_lag_max_seconds",
    unit: "seconds",
    meaning: "the most within the last minute (with httpport)",
    read: ({ eventLoopLag }) => eventLoopLag?.maxSeconds,
    metric: { name: "statsd_proxy_event_loop_lag_max_seconds", type: "gauge" },
  },
  {
    name: "start_time_seconds",
    unit: "seconds",
    meaning: "when the proxy started, in seconds since 1970",
    read: ({ resources }) => resources.startedAtSeconds,
    metric: { name: "process_start_time_seconds", type: "gauge" },
  },
  {
    name: "cpu_seconds",
    unit: "seconds",
    meaning: "CPU time used, user and system",
    read: ({ resources }) => resources.cpuSeconds,
    metric: { name: "process_cpu_seconds_total", type: "counter" },
  },
  {
    name: "resident_memory_bytes",
    unit: "bytes",
    meaning: "resident memory of the process",
    read: ({ resources }) => resources.residentBytes,
    metric: { name: "process_resident_memory_bytes", type: "gauge" },
  },
  {
    name: "open_descriptors",
    unit: "descriptors",
    meaning: "file descriptors that are open (Linux)",
    read: ({ resources }) => resources.descriptorsOpen,
    metric: { name: "process_open_fds", type: "gauge" },
  },
  {
    name: "descriptors_max",
    unit: "descriptors",
    meaning: "file descriptors that may be open at once (Linux)",
    read: ({ resources }) => resources.descriptorsMax,
    metric: { name: "process_max_fds", type: "gauge" },
  },
  {
    name: "heap_used_bytes",
    unit: "bytes",
    meaning: "reserved for the program's objects, also what was never written to and is not resident",
    read: ({ resources }) => resources.heapUsedBytes,
    metric: { name: "statsd_proxy_heap_used_bytes", type: "gauge" },
  },
];

/** Shown as `node.<label>.<name>`. */
export const NODE_FIGURES: readonly Figure<NodeView>[] = [
  {
    name: "up",
    unit: "state",
    meaning: "1 while the node gets metrics",
    read: ({ isUp }) => Number(isUp),
    metric: { name: "statsd_proxy_node_up", type: "gauge" },
  },
  {
    name: "checked",
    unit: "state",
    meaning: "1 if it is checked; 0: it goes by what its host refuses, and 'up' says less",
    read: ({ config }) => Number(checkOf(config) !== undefined),
    metric: { name: "statsd_proxy_node_checked", type: "gauge" },
  },
  {
    name: "set_aside",
    unit: "state",
    meaning: "1 while an operator has drained the node or set it down",
    read: ({ health }) => Number(health.state === "drained" || health.state === "set down"),
    metric: { name: "statsd_proxy_node_set_aside", type: "gauge" },
  },
  {
    name: "ring_share",
    unit: "part",
    meaning: "share of all names it owns now, 0 to 1 (not when mirroring)",
    read: ({ ringShare }) => ringShare,
    metric: { name: "statsd_proxy_node_ring_share_ratio", type: "gauge" },
  },
  {
    name: "lines_relayed",
    unit: "lines",
    meaning: "lines handed to the kernel for it",
    read: ({ counters }) => counters.linesRelayed,
    metric: {
      name: "statsd_proxy_lines_relayed_total",
      type: "counter",
      help: "lines handed to the kernel for a backend",
    },
  },
  {
    name: "lines_dropped",
    unit: "lines",
    meaning: "accepted lines that it will not get",
    read: ({ counters }) => allDropped(counters),
  },
  keyed({
    name: "lines_dropped",
    by: "reason",
    keys: DROP_REASONS,
    unit: "lines",
    meaning: "of these, by reason",
    read: ({ counters }, reason) => counters.linesDropped[reason],
    metric: { name: "statsd_proxy_lines_dropped_total", type: "counter" },
    loss: { event: "dropping_lines" },
  }),
  {
    name: "lines_pending",
    unit: "lines",
    meaning: "lines batched for it and not yet sent",
    read: ({ batch }) => batch.linesPending,
    metric: { name: "statsd_proxy_lines_pending", type: "gauge", help: "lines batched and not yet sent" },
  },
  {
    name: "batch_fill",
    unit: "part",
    meaning: "how full its batch is, 0 to 1; when full, lines are dropped",
    read: ({ batch }) => batch.datagrams / BATCH_DATAGRAMS_MAX,
    metric: { name: "statsd_proxy_batch_fill_ratio", type: "gauge" },
  },
  {
    name: "datagrams_sent",
    unit: "datagrams",
    meaning: "datagrams handed to the kernel for it",
    read: ({ counters }) => counters.datagramsSent,
    metric: {
      name: "statsd_proxy_datagrams_sent_total",
      type: "counter",
      help: "datagrams handed to the kernel for a backend",
    },
  },
  {
    name: "bytes_sent",
    unit: "bytes",
    meaning: "bytes in those datagrams",
    read: ({ counters }) => counters.bytesSent,
    metric: { name: "statsd_proxy_sent_bytes_total", type: "counter" },
  },
  {
    name: "refusals",
    unit: "refusals",
    meaning: "times its host answered that the port is closed",
    read: ({ counters }) => counters.refusals,
    metric: { name: "statsd_proxy_refusals_total", type: "counter" },
  },
  {
    name: "lines_refused",
    unit: "lines",
    meaning: "of its relayed lines, those that it probably did not get: one for each refusal, and never too many",
    read: ({ counters }) => counters.linesRefused,
    metric: { name: "statsd_proxy_lines_refused_total", type: "counter" },
    loss: { event: "refusing" },
  },
  {
    name: "send_errors",
    unit: "errors",
    meaning: "errors of its socket other than refusals: no route, no address, not permitted",
    read: ({ counters }) => counters.sendErrors,
    metric: { name: "statsd_proxy_send_errors_total", type: "counter" },
  },
  {
    name: "checks_passed",
    unit: "checks",
    meaning: "health checks that it passed",
    read: ({ counters }) => counters.checksPassed,
    metric: {
      name: "statsd_proxy_checks_total",
      type: "counter",
      labels: { result: "passed" },
      help: "health checks, by result",
    },
  },
  {
    name: "checks_failed",
    unit: "checks",
    meaning: "health checks that it failed",
    read: ({ counters }) => counters.checksFailed,
    metric: { name: "statsd_proxy_checks_total", type: "counter", labels: { result: "failed" } },
  },
  {
    name: "checks_skipped",
    unit: "checks",
    meaning: "health checks that could not be made because the proxy had no file descriptor or local port left",
    read: ({ counters }) => counters.checksSkipped,
    metric: { name: "statsd_proxy_checks_total", type: "counter", labels: { result: "skipped" } },
  },
  {
    name: "check_duration_seconds",
    unit: "seconds",
    meaning: "how long its last health check took",
    read: ({ health }) => health.lastCheck && health.lastCheck.durationMs / 1000,
    metric: { name: "statsd_proxy_check_duration_seconds", type: "gauge" },
  },
  {
    name: "state_changes",
    unit: "changes",
    meaning: "times it went down or came back, other than by an operator's word",
    read: ({ health }) => health.ownChanges,
    metric: { name: "statsd_proxy_node_state_changes_total", type: "counter" },
  },
];

/** Of all nodes, retired ones included. */
function countersOf({ nodes, retired }: View): NodeCounters[] {
  return [...nodes.map(({ counters }) => counters), retired.counters];
}

/** The name of one value of a figure, without its node: `lines_rejected.no_colon`. */
export function nameOf({ name }: Figure<never>, key: Key | undefined): string {
  return key === undefined ? name : `${name}.${key}`;
}

/** Whether a figure goes up and down. */
export function isGauge({ metric, gauge }: Figure<never>): boolean {
  return gauge === true || metric?.type === "gauge";
}

/** Makes the compiler check that all parts of a figure use the same keys. */
function keyed<Of, K extends Key>(figure: KeyedFigure<Of, K>): KeyedFigure<Of> {
  return figure;
}

/** Lines dropped for a reason, on all nodes. */
function droppedFor(view: View, reason: DropReason | NodelessDropReason): number {
  if (reason === "no_live_node" || reason === "internal_error") return view.counters.linesDropped[reason];
  return sum(countersOf(view).map(({ linesDropped }) => linesDropped[reason]));
}
