/**
 * Whether somebody listens at a node's port for metrics, where there is nothing else to ask: a datagram without a line
 * is sent there, and the host of a closed port answers that nobody listens.
 *
 * A node without lines is looked at in its turn, and when its host can refuse again (refusingHost.ts); silence while the
 * host refuses others is looked into again.
 *
 * Silence passes: a daemon does not answer. So does a firewall's silence; only a real check can tell the two apart.
 *
 * The datagram is one LF. statsd daemons skip empty lines; and it is sent only while a node is in doubt, so that a
 * living daemon sees one when it comes back, and hardly any otherwise.
 */
import type { Clock, Timer } from "../system/clock.ts";
import type { CheckResult } from "./checkPlan.ts";
import type { RefusingHost } from "./refusingHost.ts";

/** Linux answers a remote host about once a second. */
export const REFUSAL_WAIT_MS = 1200;
/** If the host refuses another datagram so soon after, that may be why it does not refuse this one. */
const CONTENTION_MS = 300;
/** Looks of one check. A host that has refused others all that time may do so for ever. */
export const LOOKS_MAX = 5;
/** As for the answer of a probe: what has arrived is read before a timeout counts. */
const GRACE_TURNS = 3;

export interface RefusalProbeParts {
  /** Sends the datagram. Returns what prevented it, if something did. */
  readonly send: () => string | undefined;
  /** Whether the node gets lines. */
  readonly isUp: () => boolean;
  readonly host: RefusingHost;
  /** What a refusal means, for people. */
  readonly refused: string;
  readonly clock: Clock;
}

export class RefusalProbe {
  private readonly parts: RefusalProbeParts;
  private done: ((result: CheckResult) => void) | undefined;
  private timer: Timer | undefined;
  /** Incremented with each look and each end: a timeout that belongs to an earlier one is ignored. */
  private lookId = 0;
  private looksLeft = 0;

  constructor(parts: RefusalProbeParts) {
    this.parts = parts;
  }

  /** Calls `done` once with the result, unless `close` comes first. Must not be called while a check is in progress. */
  ask(done: (result: CheckResult) => void): void {
    const { host, isUp, clock } = this.parts;
    this.done = done;
    this.looksLeft = LOOKS_MAX;
    // Each moment of doubt costs lines.
    if (isUp()) this.look();
    else
      host.take(this, () => {
        const waitMs = host.refusesFromMs - clock.nowMs();
        if (waitMs > 0) this.wait(waitMs, () => this.look());
        else this.look();
      });
  }

  /** The host answered that nobody listens. Returns whether that was the answer to a check. */
  refused(): boolean {
    if (this.done === undefined) return false;
    this.finish({ outcome: "failed", reason: this.parts.refused, sign: "refusal" });
    return true;
  }

  /** Aborts the check in progress, without a result. */
  close(): void {
    this.finish(undefined);
  }

  private look(): void {
    const { send, host, clock } = this.parts;
    const lookId = ++this.lookId;
    this.looksLeft--;
    const sentAtMs = clock.nowMs();
    const error = send();
    // Where sending tells of a refusal, the check may have ended, and the next one begun.
    if (lookId !== this.lookId) return;
    if (error !== undefined) {
      this.finish({ outcome: "skipped", reason: error });
      return;
    }
    this.wait(CONTENTION_MS, () => {
      const refusesFromMs = host.refusesFromMs;
      if (sentAtMs < refusesFromMs && this.looksLeft > 0) {
        this.wait(Math.max(0, refusesFromMs - clock.nowMs()), () => this.look());
        return;
      }
      host.leave(this);
      this.wait(REFUSAL_WAIT_MS - CONTENTION_MS, () => this.finish({ outcome: "passed" }));
    });
  }

  /** Runs a function after a while, unless the check has ended by then. */
  private wait(ms: number, run: () => void): void {
    const { clock } = this.parts;
    const { lookId } = this;
    const after = (turnsLeft: number) => {
      if (lookId !== this.lookId) return;
      if (turnsLeft > 0) clock.setImmediate(() => after(turnsLeft - 1));
      else run();
    };
    this.timer = clock.setTimeout(() => after(GRACE_TURNS), ms);
  }

  private finish(result: CheckResult | undefined): void {
    const { done } = this;
    this.done = undefined;
    this.lookId++;
    this.parts.clock.cancel(this.timer);
    this.parts.host.leave(this);
    if (result !== undefined) done?.(result);
  }
}
