/**
 * Whether somebody listens at a node's port for metrics, where there is nothing else to ask: a datagram without a line
 * is sent there, and the host of a closed port answers that nobody listens.
 *
 * Silence passes: a daemon does not answer. So does a firewall's silence; only a real check can tell the two apart.
 *
 * The datagram is one LF. statsd daemons skip empty lines; and it is sent only while a node is in doubt, so that a
 * living daemon sees one when it comes back, and hardly any otherwise.
 */
import type { Clock, Timer } from "../system/clock.ts";
import type { CheckResult } from "./checkPlan.ts";

/** Linux answers a remote host about once a second (net.ipv4.icmp_ratelimit). */
export const REFUSAL_WAIT_MS = 1200;
/** As for the answer of a probe: what has arrived is read before a timeout counts. */
const GRACE_TURNS = 3;

export interface RefusalProbeParts {
  /** Sends the datagram. Returns what prevented it, if something did. */
  readonly send: () => string | undefined;
  /** What a refusal means, for people. */
  readonly refused: string;
  readonly clock: Clock;
}

export class RefusalProbe {
  private readonly parts: RefusalProbeParts;
  private done: ((result: CheckResult) => void) | undefined;
  private timer: Timer | undefined;
  /** Incremented with each question: a timeout that belongs to an earlier one is ignored. */
  private waitId = 0;

  constructor(parts: RefusalProbeParts) {
    this.parts = parts;
  }

  /** Calls `done` once with the result, unless `close` comes first. Must not be called while a check is in progress. */
  ask(done: (result: CheckResult) => void): void {
    this.done = done;
    const waitId = ++this.waitId;
    const error = this.parts.send();
    if (this.done === undefined) return;
    if (error !== undefined) this.finish({ outcome: "skipped", reason: error });
    else this.timer = this.parts.clock.setTimeout(() => this.timedOut(waitId, GRACE_TURNS), REFUSAL_WAIT_MS);
  }

  /** The host answered that nobody listens. Returns whether that was the answer to a check. */
  refused(): boolean {
    if (this.done === undefined) return false;
    this.finish({ outcome: "failed", reason: this.parts.refused, sign: "refusal" });
    return true;
  }

  /** Aborts the check in progress, without a result. */
  close(): void {
    this.done = undefined;
    this.parts.clock.cancel(this.timer);
  }

  private timedOut(waitId: number, turnsLeft: number): void {
    if (waitId !== this.waitId || this.done === undefined) return;
    if (turnsLeft > 0) this.parts.clock.setImmediate(() => this.timedOut(waitId, turnsLeft - 1));
    else this.finish({ outcome: "passed" });
  }

  private finish(result: CheckResult): void {
    const { done } = this;
    this.done = undefined;
    this.parts.clock.cancel(this.timer);
    done?.(result);
  }
}
