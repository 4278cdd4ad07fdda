/**
 * The health checks of all nodes: their timers. When they are due is core/checkPlan.ts's business, what their results
 * mean core/health.ts's.
 */
import { CheckPlan, type CheckResult } from "../core/checkPlan.ts";
import { openDescriptorTrial } from "./descriptors.ts";
import { Probe } from "./probe.ts";

/** The longest that a check waits for the next sign of the node, however long the interval. */
const TIMEOUT_MS_MAX = 5000;
/** The least, however short the interval: a backend that is not given the processor at once is not dead. */
const TIMEOUT_MS_MIN = 250;

export interface CheckedNode {
  /** An IP address. */
  readonly host: string;
  /** 0: not checked. */
  readonly managementport: number;
}

export interface ChecksParts {
  readonly nodes: readonly CheckedNode[];
  readonly intervalMs: number;
  /** Whether a node gets metrics: one that does not is not checked more often for failing. */
  readonly isUp: (node: number) => boolean;
  /** A check's end. `failure` undefined: passed. */
  readonly onCheck: (node: number, failure: string | undefined, durationMs: number) => void;
  /** A check could not be made, for want of something of ours. */
  readonly onSkip: (node: number, reason: string) => void;
}

interface Checked {
  readonly node: number;
  readonly plan: CheckPlan;
  readonly probe: Probe;
  isUnderWay: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** When `timer` fires. */
  timerAtMs: number;
}

export class Checks {
  private readonly parts: ChecksParts;
  /** By node; undefined: it is not checked, or there are no checks yet or any more. */
  private checked: readonly (Checked | undefined)[] = [];

  constructor(parts: ChecksParts) {
    this.parts = parts;
  }

  /** Starts checking, the nodes' checks spread over the interval. */
  start(): void {
    const { nodes, intervalMs } = this.parts;
    const hasDescriptor = openDescriptorTrial();
    const timeoutMs = Math.max(TIMEOUT_MS_MIN, Math.min(intervalMs, TIMEOUT_MS_MAX));
    const nowMs = performance.now();
    this.checked = nodes.map(({ host, managementport: port }, node) => {
      if (port === 0) return undefined;
      const onEnd = (reason: string, answers: number) => this.connectionEnded(checked, reason, answers);
      const checked: Checked = {
        node,
        plan: new CheckPlan(intervalMs, nowMs + (node * intervalMs) / nodes.length),
        probe: new Probe({ host, port, timeoutMs, hasDescriptor, onEnd }),
        isUnderWay: false,
        timer: undefined,
        timerAtMs: Number.POSITIVE_INFINITY,
      };
      return checked;
    });
    for (const checked of this.checked) this.schedule(checked);
  }

  /** Checks a node that gave reason to, soon. May be called as often as one likes. */
  hurry(node: number): void {
    const checked = this.checked[node];
    checked?.plan.hurry(performance.now());
    this.schedule(checked);
  }

  /** Ends all checks and their connections; none reports any more. */
  stop(): void {
    for (const checked of this.checked) {
      clearTimeout(checked?.timer);
      checked?.probe.close();
    }
    this.checked = [];
  }

  /** Sees to it that the next check comes when it is due. A timer that fires by then is left alone. */
  private schedule(checked: Checked | undefined): void {
    if (checked === undefined || checked.isUnderWay || this.checked[checked.node] !== checked) return;
    const { dueAtMs } = checked.plan;
    if (checked.timer !== undefined && checked.timerAtMs <= dueAtMs) return;
    clearTimeout(checked.timer);
    checked.timerAtMs = dueAtMs;
    checked.timer = setTimeout(() => this.check(checked), Math.max(0, dueAtMs - performance.now()));
  }

  private check(checked: Checked): void {
    const beganAtMs = performance.now();
    checked.timer = undefined;
    checked.isUnderWay = true;
    checked.plan.begin(beganAtMs);
    checked.probe.ask((result) => {
      checked.isUnderWay = false;
      this.ended(checked, result, performance.now() - beganAtMs);
    });
  }

  private connectionEnded(checked: Checked, reason: string, answers: number): void {
    const isFailure = checked.plan.connectionEnded(answers, performance.now());
    if (isFailure) this.ended(checked, { outcome: "failed", reason, sign: "end" }, 0);
    else this.schedule(checked);
  }

  private ended(checked: Checked, result: CheckResult, durationMs: number): void {
    const { isUp, onCheck, onSkip } = this.parts;
    const { node, plan } = checked;
    if (result.outcome === "skipped") onSkip(node, result.reason);
    else onCheck(node, result.outcome === "failed" ? result.reason : undefined, durationMs);
    plan.end(result, isUp(node), performance.now());
    this.schedule(checked);
  }
}
