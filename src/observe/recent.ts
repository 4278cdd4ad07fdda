/** What has grown within the last five minutes, and since when: the ground for a verdict. */
import type { Counters, DropReason, NodeCounters } from "../relay/counters.ts";
import { sum } from "../relay/counters.ts";

export const WINDOW_MS = 300_000;
const STEPS = 30;
const STEP_MS = WINDOW_MS / STEPS;

/** Growth within the window. */
export interface Grown {
  readonly amount: number;
  /** When it began to grow, after a whole window without. */
  readonly sinceMs: number;
  /** When it grew last. */
  readonly lastMs: number;
}

/** What is looked at. */
interface Counted {
  readonly nowMs: number;
  readonly counters: Counters;
  readonly kernelDrops: number | undefined;
  readonly receiveBufferBytes: number | undefined;
  readonly eventLoopLag: { readonly maxSeconds: number } | undefined;
  readonly logLinesLost: number;
  readonly nodes: readonly CountingNode[];
}

const OF_PROXY = {
  kernel_drops: ({ kernelDrops }: Counted) => kernelDrops ?? 0,
  packets_received: ({ counters }: Counted) => counters.packetsReceived,
  lines_received: ({ counters }: Counted) => counters.linesReceived,
  lines_rejected: ({ counters }: Counted) => sum(counters.linesRejected),
  no_live_node: ({ counters }: Counted) => counters.linesDropped.no_live_node,
  internal_errors: ({ counters }: Counted) => counters.internalErrors,
  invariant_violations: ({ counters }: Counted) => counters.invariantViolations,
  log_lines_lost: ({ logLinesLost }: Counted) => logLinesLost,
} satisfies Record<string, (view: Counted) => number>;
type OfProxy = keyof typeof OF_PROXY;

/** A node that counts. */
export interface Counting {
  readonly label: string;
  readonly counters: NodeCounters;
}
type CountingNode = Counting & { readonly health: { readonly ownChanges: number } };

const droppedAs =
  (reason: DropReason) =>
  ({ counters }: CountingNode) =>
    counters.linesDropped[reason];

const OF_NODE = {
  node_down: droppedAs("node_down"),
  held: droppedAs("held"),
  send_buffer_full: droppedAs("send_buffer_full"),
  send_error: droppedAs("send_error"),
  send_errors: ({ counters }: CountingNode) => counters.sendErrors,
  lines_refused: ({ counters }: CountingNode) => counters.linesRefused,
  state_changes: ({ health }: CountingNode) => health.ownChanges,
} satisfies Record<string, (node: CountingNode) => number>;
type OfNode = keyof typeof OF_NODE;

/** A node that is gone sends what it holds for so long, or drops it. */
const LEAVING_MS = 10_000;
/** Of more nodes that are gone what they lost is not told. */
const GONE_MAX = 1000;

/** As of the last look. */
export interface Recent {
  readonly proxy: Readonly<Partial<Record<OfProxy, Grown>>>;
  /** By the node's counters: a label may belong to another node by now. */
  readonly nodes: ReadonlyMap<NodeCounters, Readonly<Partial<Record<OfNode, Grown>>>>;
  /** Nodes that are no longer in the configuration, for as long as something that they counted is recent. */
  readonly gone: readonly Counting[];
  /** What the receive buffer was when the kernel dropped something last; undefined: it is not known, or never did. */
  readonly fullBufferBytes: number | undefined;
  /** How late the event loop had been then. */
  readonly lateSeconds: number | undefined;
  /** Of one core, within the last ten seconds; undefined: not known yet. */
  readonly cpuShare: number | undefined;
}

export const NOTHING_RECENT: Recent = {
  ...{ proxy: {}, nodes: new Map(), gone: [] },
  ...{ fullBufferBytes: undefined, lateSeconds: undefined, cpuShare: undefined },
};

/** Whether nothing has grown within the window: then time alone changes nothing any more. */
export function isNothing({ proxy, nodes, gone }: Recent): boolean {
  return Object.keys(proxy).length === 0 && nodes.size === 0 && gone.length === 0;
}

export class RecentGrowth {
  private readonly proxy = new Growths(OF_PROXY);
  /** Those that are in the configuration, and those that are gone, by their counters. */
  private nodes = new Map<NodeCounters, Watched>();
  /** When they were in the configuration last. */
  private seenMs = 0;
  private fullBufferBytes: number | undefined;
  private lateSeconds: number | undefined;

  /** Nothing has happened since. */
  pass(nowMs: number): void {
    this.seenMs = nowMs;
  }

  /** @param cpuShare of one core, now */
  update(view: Counted, cpuShare: number | undefined): Recent {
    const { nowMs, receiveBufferBytes, eventLoopLag } = view;
    const { grown, gone } = this.ofNodes(view);
    const proxy = this.proxy.update(view, nowMs) ?? {};
    // It may be another by the time that this is told.
    if (proxy.kernel_drops?.lastMs === nowMs) {
      this.fullBufferBytes = receiveBufferBytes;
      this.lateSeconds = eventLoopLag?.maxSeconds;
    }
    const { fullBufferBytes, lateSeconds } = this;
    return { proxy, nodes: grown, gone, fullBufferBytes, lateSeconds, cpuShare };
  }

  private ofNodes({ nodes, nowMs }: Counted) {
    const watched = new Map<NodeCounters, Watched>();
    const grown = new Map<NodeCounters, Partial<Record<OfNode, Grown>>>();
    const look = (one: Watched): boolean => {
      watched.set(one.node.counters, one);
      const found = one.growths.update(one.node, nowMs);
      if (found !== undefined) grown.set(one.node.counters, found);
      return found !== undefined;
    };
    for (const { label, counters, health } of nodes) {
      const { growths = new Growths(OF_NODE) } = this.nodes.get(counters) ?? {};
      look({ node: { label, counters, health }, growths, seenMs: undefined });
    }
    const gone: CountingNode[] = [];
    for (const [counters, one] of this.nodes) {
      if (watched.has(counters) || gone.length === GONE_MAX) continue;
      const { seenMs = this.seenMs } = one;
      if (look({ ...one, seenMs }) || Math.abs(nowMs - seenMs) < LEAVING_MS) gone.push(one.node);
      else watched.delete(counters);
    }
    this.nodes = watched;
    this.seenMs = nowMs;
    return { grown, gone };
  }
}

interface Watched {
  readonly node: CountingNode;
  readonly growths: Growths<CountingNode, OfNode>;
  /** When it was in the configuration last; undefined: it is. */
  readonly seenMs: number | undefined;
}

/** Several counters of one thing. Memory is taken only for those that grow. */
class Growths<Of, Name extends string> {
  private readonly readers: readonly (readonly [Name, (of: Of) => number])[];
  private readonly before: Float64Array;
  private readonly growths: (Growth | undefined)[];

  constructor(readers: Readonly<Record<Name, (of: Of) => number>>) {
    this.readers = (Object.keys(readers) as Name[]).map((name) => [name, readers[name]] as const);
    // From nothing: what was counted before the first look is news.
    this.before = new Float64Array(this.readers.length);
    this.growths = this.readers.map(() => undefined);
  }

  /** Undefined: nothing has grown. */
  update(of: Of, nowMs: number): Partial<Record<Name, Grown>> | undefined {
    let found: Partial<Record<Name, Grown>> | undefined;
    for (const [i, [name, read]] of this.readers.entries()) {
      const value = read(of);
      if (value > this.before[i]) {
        this.growths[i] ??= new Growth();
        this.growths[i].add(value - this.before[i], nowMs);
        this.before[i] = value;
      }
      const grown = this.growths[i]?.within(nowMs);
      if (grown === undefined) this.growths[i] = undefined;
      else {
        found ??= {};
        found[name] = grown;
      }
    }
    return found;
  }
}

/** One counter's growth, in steps of ten seconds; the oldest is overwritten. */
class Growth {
  private readonly amounts = new Float64Array(STEPS);
  private step = Number.NaN;
  private sinceMs = Number.NaN;
  private lastMs = Number.NEGATIVE_INFINITY;

  add(amount: number, nowMs: number): void {
    this.forget(nowMs);
    if (Number.isNaN(this.sinceMs)) this.sinceMs = nowMs;
    this.lastMs = nowMs;
    this.amounts[this.step % STEPS] += amount;
  }

  /** Undefined: it has not grown within the window. */
  within(nowMs: number): Grown | undefined {
    this.forget(nowMs);
    const amount = this.amounts.reduce((all, one) => all + one, 0);
    return amount === 0 ? undefined : { amount, sinceMs: this.sinceMs, lastMs: this.lastMs };
  }

  /** A wall clock that is set back forgets nothing, and counts on in the last step. */
  private forget(nowMs: number): void {
    const step = Math.floor(nowMs / STEP_MS);
    if (Number.isNaN(this.step)) this.step = step;
    const passed = Math.min(STEPS, step - this.step);
    for (let i = 1; i <= passed; i++) this.amounts[(this.step + i) % STEPS] = 0;
    this.step = Math.max(this.step, step);
  }
}
