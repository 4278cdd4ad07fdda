/** The health checks of all nodes: when they run. What their results mean is core/health.ts's business. */
import { type Probe, probe } from "./probe.ts";

/** A check that something else asked for comes no sooner than this after the one before began. */
const HURRY_MS = 100;
/** The longest that one check may take, however long the interval. */
const TIMEOUT_MS_MAX = 5000;

export interface CheckedNode {
  readonly host: string;
  /** 0: not checked. */
  readonly managementport: number;
}

/** A check's end. `failure` undefined: passed. */
export type OnCheck = (node: number, failure: string | undefined, durationMs: number) => void;

export class Checks {
  private readonly nodes: readonly CheckedNode[];
  private readonly intervalMs: number;
  private readonly onResult: OnCheck;
  private readonly timers: (ReturnType<typeof setTimeout> | undefined)[];
  private readonly abandon: ((() => void) | undefined)[];
  private readonly startedAtMs: number[];

  constructor(nodes: readonly CheckedNode[], intervalMs: number, onResult: OnCheck) {
    this.nodes = nodes;
    this.intervalMs = intervalMs;
    this.onResult = onResult;
    this.timers = nodes.map(() => undefined);
    this.abandon = nodes.map(() => undefined);
    this.startedAtMs = nodes.map(() => Number.NEGATIVE_INFINITY);
  }

  /** Starts checking, the nodes' checks spread over the interval. */
  start(): void {
    this.nodes.forEach(({ managementport }, node) => {
      if (managementport !== 0) this.schedule(node, (node * this.intervalMs) / this.nodes.length);
    });
  }

  /** Checks a node that gave reason to now, unless a check is under way or was just made. */
  hurry(node: number): void {
    const sinceMs = performance.now() - this.startedAtMs[node];
    if (this.timers[node] === undefined || this.abandon[node] !== undefined || sinceMs < HURRY_MS) return;
    this.schedule(node, 0);
  }

  /** Ends all checks; none reports any more. */
  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    for (const abandon of this.abandon) abandon?.();
  }

  private schedule(node: number, delayMs: number): void {
    clearTimeout(this.timers[node]);
    this.timers[node] = setTimeout(() => this.check(node), delayMs);
  }

  private check(node: number): void {
    const { host, managementport: port } = this.nodes[node];
    const startedAtMs = performance.now();
    this.startedAtMs[node] = startedAtMs;
    const target: Probe = { host, port, timeoutMs: Math.min(this.intervalMs, TIMEOUT_MS_MAX) };
    this.abandon[node] = probe(target, (failure) => {
      this.abandon[node] = undefined;
      const endedAtMs = performance.now();
      this.schedule(node, Math.max(0, startedAtMs + this.intervalMs - endedAtMs));
      this.onResult(node, failure, endedAtMs - startedAtMs);
    });
  }
}
