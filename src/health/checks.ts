/**
 * The health checks of a node: their timer. health/checkPlan.ts decides when they are due, health/health.ts what the
 * results mean.
 */

import { type CheckConfig, refusedText } from "../config/nodeCheck.ts";
import type { Network } from "../net/network.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { CheckPlan, type CheckResult } from "./checkPlan.ts";
import { protocolOf } from "./checkProtocol.ts";
import { Probe } from "./probe.ts";
import { RefusalProbe } from "./refusalProbe.ts";
import type { RefusingHost } from "./refusingHost.ts";

/** Upper limit of a check's timeout, however long the interval. */
const TIMEOUT_MS_MAX = 5000;
/** Lower limit, however short the interval: a backend that has to wait for the CPU is not dead. */
const TIMEOUT_MS_MIN = 250;

/** How long an answer may take. */
export function timeoutMsOf(intervalMs: number): number {
  return Math.max(TIMEOUT_MS_MIN, Math.min(intervalMs, TIMEOUT_MS_MAX));
}

export interface ChecksParts {
  /** An IP address. */
  readonly host: string;
  /** What is asked where; undefined: nothing. Then a refused metric is a reason to look whether somebody listens. */
  readonly check: CheckConfig | undefined;
  /** The port for metrics. */
  readonly port: number;
  /** What is known of the refusals of that address. */
  readonly refusingHost: RefusingHost;
  /** Sends a datagram without a line to that port. Returns what prevented it, if something did. */
  readonly sendEmptyLine: () => string | undefined;
  readonly intervalMs: number;
  /** Whether the node gets metrics: one that does not is not checked more often for failing. */
  readonly isUp: () => boolean;
  /** A check has ended. `failure` undefined: it passed. */
  readonly onCheck: (failure: string | undefined, durationMs: number) => void;
  /** A check could not be made because the proxy lacked a resource of its own. */
  readonly onSkip: (reason: string) => void;
  readonly network: Pick<Network, "connectTcp">;
  readonly clock: Clock;
}

/** Exists from `start` to `stop`. */
interface Running {
  readonly plan: CheckPlan;
  readonly probe: Probe | RefusalProbe;
}

export class Checks {
  private readonly parts: ChecksParts;
  /** Undefined: not started, or stopped. */
  private running: Running | undefined;
  private isChecking = false;
  private timer: Timer | undefined;
  /** When `timer` fires at the latest. */
  private timerAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: ChecksParts) {
    this.parts = parts;
  }

  /** @param delayMs until the first check */
  start(delayMs: number): void {
    const { check, intervalMs, isUp, clock } = this.parts;
    const onlyInDoubt = check === undefined;
    const firstAtMs = onlyInDoubt && isUp() ? Number.POSITIVE_INFINITY : clock.nowMs() + delayMs;
    const running: Running = {
      plan: new CheckPlan(intervalMs, firstAtMs, onlyInDoubt),
      probe:
        check === undefined
          ? this.refusalProbe()
          : this.probe(check, (...how) => this.connectionEnded(running, ...how)),
    };
    this.running = running;
    this.schedule(running);
  }

  /** Milliseconds to the next check, at most; infinite: when there is a reason. */
  get nextInMs(): number {
    const dueAtMs = this.running?.plan.dueAtMs ?? Number.POSITIVE_INFINITY;
    return Math.max(0, dueAtMs - this.parts.clock.nowMs());
  }

  /** Goes on at another interval. What is being asked is not asked anew. @param delayMs until the next check, at most */
  useInterval(intervalMs: number, delayMs: number): void {
    const { running } = this;
    if (running === undefined) return;
    running.plan.useInterval(intervalMs, this.parts.clock.nowMs() + delayMs);
    if (running.probe instanceof Probe) running.probe.useTimeout(timeoutMsOf(intervalMs));
    this.schedule(running);
  }

  private probe(check: CheckConfig, onEnd: (reason: string, answers: number) => void): Probe {
    const { host, intervalMs, network, clock } = this.parts;
    return new Probe({
      host,
      port: check.port,
      protocol: protocolOf(check, host),
      timeoutMs: timeoutMsOf(intervalMs),
      network,
      clock,
      onEnd,
    });
  }

  private refusalProbe(): RefusalProbe {
    const { host, port, sendEmptyLine: send, refusingHost, isUp, clock } = this.parts;
    return new RefusalProbe({ send, isUp, host: refusingHost, refused: refusedText(host, port), clock });
  }

  /** The node's host answered a datagram: nobody listens. May be called as often as you like. */
  refused(): void {
    const { running } = this;
    this.parts.refusingHost.refused(this.parts.clock.nowMs());
    if (running === undefined) return;
    if (running.probe instanceof RefusalProbe && running.probe.refused()) return;
    running.plan.checkSoon(this.parts.clock.nowMs());
    this.schedule(running);
  }

  /** Stops the checks and closes their connection; nothing is reported afterwards. */
  stop(): void {
    this.parts.clock.cancel(this.timer);
    this.running?.probe.close();
    this.running = undefined;
  }

  /** Makes sure that the next check runs when it is due. A timer that fires by then is left alone. */
  private schedule(running: Running): void {
    if (this.isChecking || this.running !== running) return;
    const { dueAtMs } = running.plan;
    if (this.timer !== undefined && this.timerAtMs <= dueAtMs) return;
    this.parts.clock.cancel(this.timer);
    this.timerAtMs = dueAtMs;
    if (dueAtMs === Number.POSITIVE_INFINITY) {
      this.timer = undefined;
      return;
    }
    this.timer = this.parts.clock.setSharedTimeout(
      () => this.check(running),
      Math.max(0, dueAtMs - this.parts.clock.nowMs()),
    );
  }

  private check(running: Running): void {
    const beganAtMs = this.parts.clock.nowMs();
    this.timer = undefined;
    this.isChecking = true;
    running.plan.begin(beganAtMs);
    try {
      running.probe.ask((result) => {
        this.isChecking = false;
        this.ended(running, result, this.parts.clock.nowMs() - beganAtMs);
      });
    } catch (error) {
      // A bug. The node is checked again all the same.
      this.isChecking = false;
      this.schedule(running);
      throw error;
    }
  }

  private connectionEnded(running: Running, reason: string, answers: number): void {
    const isFailure = running.plan.connectionEnded(answers, this.parts.clock.nowMs());
    if (isFailure) this.ended(running, { outcome: "failed", reason, sign: "end" }, 0);
    else this.schedule(running);
  }

  private ended(running: Running, result: CheckResult, durationMs: number): void {
    const { isUp, onCheck, onSkip, clock } = this.parts;
    try {
      if (result.outcome === "skipped") onSkip(result.reason);
      else onCheck(result.outcome === "failed" ? result.reason : undefined, durationMs);
    } finally {
      // Also after a bug: the node is checked again.
      running.plan.end(result, isUp(), clock.nowMs());
      this.schedule(running);
    }
  }
}
