/**
 * The one table of figures: what the console shows, and what the README lists. A figure is read from a snapshot, so
 * that all of one answer belong to one moment.
 */
import type { Batch } from "./batch.ts";
import { type Counters, DROP_REASONS, type DropReason, type NodeCounters } from "./counters.ts";
import { REJECT_REASONS } from "./line.ts";

export interface NodeView {
  readonly label: string;
  readonly isUp: boolean;
  readonly counters: NodeCounters;
  readonly batch: Batch;
}

export interface View {
  readonly uptimeSeconds: number;
  readonly counters: Counters;
  readonly nodes: readonly NodeView[];
  /** Names that the route cache holds. */
  readonly namesCached: number;
  /** Bytes of kernel receive buffer granted; undefined where that cannot be asked. */
  readonly receiveBufferBytes: number | undefined;
  /** Datagrams that the kernel dropped at the receiver; undefined where that cannot be asked. */
  readonly kernelDrops: number | undefined;
}

interface Figure<Of> {
  /** `<reason>` stands for one figure of each reason. */
  readonly name: string;
  readonly unit: "datagrams" | "lines" | "bytes" | "nodes" | "checks" | "names" | "answers" | "connections" | "state";
  readonly meaning: string;
  /** Undefined: not known here, and not shown. */
  readonly read: (of: Of) => number | Readonly<Record<string, number>> | undefined;
}

export const FIGURES: readonly Figure<View>[] = [
  {
    name: "packets_received",
    unit: "datagrams",
    meaning: "datagrams that the kernel handed over",
    read: ({ counters }) => counters.packetsReceived,
  },
  {
    name: "kernel_drops",
    unit: "datagrams",
    meaning: "datagrams that the kernel dropped before the proxy could read them, its buffer being full (Linux)",
    read: ({ kernelDrops }) => kernelDrops,
  },
  {
    name: "bytes_received",
    unit: "bytes",
    meaning: "bytes in those datagrams",
    read: ({ counters }) => counters.bytesReceived,
  },
  {
    name: "lines_received",
    unit: "lines",
    meaning: "lines in those datagrams, empty ones left out; always rejected + accepted",
    read: ({ counters }) => counters.linesReceived,
  },
  {
    name: "lines_accepted",
    unit: "lines",
    meaning: "lines that are metrics; always relayed + dropped + pending (when mirroring: for each node)",
    read: ({ counters }) => counters.linesAccepted,
  },
  {
    name: "lines_rejected",
    unit: "lines",
    meaning: "lines that are no metrics, and go nowhere",
    read: ({ counters }) => sum(counters.linesRejected),
  },
  {
    name: "lines_rejected.<reason>",
    unit: "lines",
    meaning: "of these, by the first thing that is missing or wrong",
    read: ({ counters }) => Object.fromEntries(REJECT_REASONS.map((reason, i) => [reason, counters.linesRejected[i]])),
  },
  {
    name: "lines_relayed",
    unit: "lines",
    meaning: "lines handed to the kernel for a backend, on all nodes",
    read: ({ nodes }) => sum(nodes.map(({ counters }) => counters.linesRelayed)),
  },
  {
    name: "lines_dropped",
    unit: "lines",
    meaning: "accepted lines that no backend will get, on all nodes",
    read: ({ counters, nodes }) =>
      counters.linesUnowned + sum(nodes.map((node) => sum(Object.values(node.counters.linesDropped)))),
  },
  {
    name: "lines_dropped.<reason>",
    unit: "lines",
    meaning: "of these, by reason",
    read: ({ counters, nodes }) => {
      const dropped = (reason: DropReason) => sum(nodes.map((node) => node.counters.linesDropped[reason]));
      const ofNodes = Object.fromEntries(DROP_REASONS.map((reason) => [reason, dropped(reason)]));
      return { no_live_node: counters.linesUnowned, ...ofNodes };
    },
  },
  {
    name: "lines_pending",
    unit: "lines",
    meaning: "lines batched and not yet sent, on all nodes",
    read: ({ nodes }) => sum(nodes.map(({ batch }) => batch.linesPending)),
  },
  {
    name: "datagrams_sent",
    unit: "datagrams",
    meaning: "datagrams handed to the kernel for a backend, on all nodes",
    read: ({ nodes }) => sum(nodes.map(({ counters }) => counters.datagramsSent)),
  },
  { name: "nodes", unit: "nodes", meaning: "nodes configured", read: ({ nodes }) => nodes.length },
  {
    name: "nodes_up",
    unit: "nodes",
    meaning: "nodes in the ring now",
    read: ({ nodes }) => nodes.filter(({ isUp }) => isUp).length,
  },
  {
    name: "names_cached",
    unit: "names",
    meaning: "names whose owner is remembered (at most cacheSize)",
    read: ({ namesCached }) => namesCached,
  },
  {
    name: "console_cut.<reason>",
    unit: "connections",
    meaning: "console connections that the proxy ended, by reason",
    read: ({ counters }) => counters.consoleCut,
  },
  {
    name: "receive_buffer_bytes",
    unit: "bytes",
    meaning: "kernel receive buffer granted, as the kernel counts it: twice what it lets one ask (Linux)",
    read: ({ receiveBufferBytes }) => receiveBufferBytes,
  },
];

/** Shown as `node.<label>.<name>`. */
export const NODE_FIGURES: readonly Figure<NodeView>[] = [
  { name: "up", unit: "state", meaning: "1 while the node gets metrics", read: ({ isUp }) => Number(isUp) },
  {
    name: "lines_relayed",
    unit: "lines",
    meaning: "lines handed to the kernel for it",
    read: ({ counters }) => counters.linesRelayed,
  },
  {
    name: "lines_dropped",
    unit: "lines",
    meaning: "accepted lines that it will not get",
    read: ({ counters }) => sum(Object.values(counters.linesDropped)),
  },
  {
    name: "lines_dropped.<reason>",
    unit: "lines",
    meaning: "of these, by reason",
    read: ({ counters }) => counters.linesDropped,
  },
  {
    name: "lines_pending",
    unit: "lines",
    meaning: "lines batched for it and not yet sent",
    read: ({ batch }) => batch.linesPending,
  },
  {
    name: "datagrams_sent",
    unit: "datagrams",
    meaning: "datagrams handed to the kernel for it",
    read: ({ counters }) => counters.datagramsSent,
  },
  {
    name: "bytes_sent",
    unit: "bytes",
    meaning: "bytes in those datagrams",
    read: ({ counters }) => counters.bytesSent,
  },
  {
    name: "refusals",
    unit: "answers",
    meaning: "times its host answered that nobody listens on the port",
    read: ({ counters }) => counters.refusals,
  },
  {
    name: "checks_passed",
    unit: "checks",
    meaning: "health checks that it passed",
    read: ({ counters }) => counters.checksPassed,
  },
  {
    name: "checks_failed",
    unit: "checks",
    meaning: "health checks that it failed",
    read: ({ counters }) => counters.checksFailed,
  },
];

/** Every figure by its full name, as `lines_rejected.no_colon` or `node.127.0.0.1:8130.lines_relayed`, in order. */
export function statsOf(view: View): [name: string, value: number][] {
  return [
    ...FIGURES.flatMap((figure) => valuesOf(figure, view)),
    ...view.nodes.flatMap((node) => NODE_FIGURES.flatMap((figure) => valuesOf(figure, node, `node.${node.label}.`))),
  ];
}

function valuesOf<Of>(figure: Figure<Of>, of: Of, prefix = ""): [string, number][] {
  const value = figure.read(of);
  if (value === undefined) return [];
  if (typeof value === "number") return [[prefix + figure.name, value]];
  return Object.entries(value).map(([reason, count]) => [prefix + figure.name.replace("<reason>", reason), count]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
