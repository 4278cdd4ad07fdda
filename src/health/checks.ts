/**
 * The health checks of a node: their timer. When they are due is health/checkPlan.ts's business, what their results
 * mean health/health.ts's.
 */

import type { Network } from "../net/network.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { CheckPlan, type CheckResult } from "./checkPlan.ts";
import { Probe } from "./probe.ts";

/** The longest that a check waits for the next sign of the node, however long the interval. */
const TIMEOUT_MS_MAX = 5000;
/** The least, however short the interval: a backend that is not given the processor at once is not dead. */
const TIMEOUT_MS_MIN = 250;

export interface ChecksParts {
  /** An IP address. */
  readonly host: string;
  /** The management port; 0: there are no checks. */
  readonly port: number;
  readonly intervalMs: number;
  /** Whether the node gets metrics: one that does not is not checked more often for failing. */
  readonly isUp: () => boolean;
  /** A check's end. `failure` undefined: passed. */
  readonly onCheck: (failure: string | undefined, durationMs: number) => void;
  /** A check could not be made, for want of something of ours. */
  readonly onSkip: (reason: string) => void;
  readonly network: Pick<Network, "connectTcp" | "hasDescriptor">;
  readonly clock: Clock;
}

/** From `start` to `stop`. */
interface UnderWay {
  readonly plan: CheckPlan;
  readonly probe: Probe;
}

export class Checks {
  private readonly parts: ChecksParts;
  /** Undefined: there are no checks yet, or any more. */
  private underWay: UnderWay | undefined;
  private isChecking = false;
  private timer: Timer | undefined;
  /** When `timer` fires. */
  private timerAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: ChecksParts) {
    this.parts = parts;
  }

  /** @param delayMs when the first check is due */
  start(delayMs: number): void {
    const { host, port, intervalMs, network, clock } = this.parts;
    if (port === 0) return;
    const underWay: UnderWay = {
      plan: new CheckPlan(intervalMs, this.parts.clock.nowMs() + delayMs),
      probe: new Probe({
        host,
        port,
        timeoutMs: Math.max(TIMEOUT_MS_MIN, Math.min(intervalMs, TIMEOUT_MS_MAX)),
        network,
        clock,
        onEnd: (reason, answers) => this.connectionEnded(underWay, reason, answers),
      }),
    };
    this.underWay = underWay;
    this.schedule(underWay);
  }

  /** Checks the node soon, which gave reason to. May be called as often as one likes. */
  checkSoon(): void {
    if (this.underWay === undefined) return;
    this.underWay.plan.checkSoon(this.parts.clock.nowMs());
    this.schedule(this.underWay);
  }

  /** Ends the checks and their connection; none reports any more. */
  stop(): void {
    this.parts.clock.cancel(this.timer);
    this.underWay?.probe.close();
    this.underWay = undefined;
  }

  /** Sees to it that the next check comes when it is due. A timer that fires by then is left alone. */
  private schedule(underWay: UnderWay): void {
    if (this.isChecking || this.underWay !== underWay) return;
    const { dueAtMs } = underWay.plan;
    if (this.timer !== undefined && this.timerAtMs <= dueAtMs) return;
    this.parts.clock.cancel(this.timer);
    this.timerAtMs = dueAtMs;
    this.timer = this.parts.clock.setTimeout(
      () => this.check(underWay),
      Math.max(0, dueAtMs - this.parts.clock.nowMs()),
    );
  }

  private check(underWay: UnderWay): void {
    const beganAtMs = this.parts.clock.nowMs();
    this.timer = undefined;
    this.isChecking = true;
    underWay.plan.begin(beganAtMs);
    underWay.probe.ask((result) => {
      this.isChecking = false;
      this.ended(underWay, result, this.parts.clock.nowMs() - beganAtMs);
    });
  }

  private connectionEnded(underWay: UnderWay, reason: string, answers: number): void {
    const isFailure = underWay.plan.connectionEnded(answers, this.parts.clock.nowMs());
    if (isFailure) this.ended(underWay, { outcome: "failed", reason, sign: "end" }, 0);
    else this.schedule(underWay);
  }

  private ended(underWay: UnderWay, result: CheckResult, durationMs: number): void {
    const { isUp, onCheck, onSkip } = this.parts;
    if (result.outcome === "skipped") onSkip(result.reason);
    else onCheck(result.outcome === "failed" ? result.reason : undefined, durationMs);
    underWay.plan.end(result, isUp(), this.parts.clock.nowMs());
    this.schedule(underWay);
  }
}
