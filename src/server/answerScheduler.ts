/** The time for answers: all requests, at the console or over HTTP, are served from here. */
import type { Clock } from "../system/clock.ts";
import { type Account, FairShare } from "./fairShare.ts";

/**
 * The longest that one turn of the event loop spends on answers, apart from the last step: in 2 ms, at 100,000
 * datagrams per second, no more arrive than the kernel's default buffer holds.
 */
const TURN_MS = 2;

/**
 * Charged in advance per requested byte, about the cost of the most expensive answer (a `route` of 2,000 names): among
 * clients that have used nothing yet, a long request waits behind a short one.
 */
const BYTE_MS = 0.0005;

/** A client with requests to serve. */
export interface Requester {
  /** Starts empty. */
  readonly account: Account;
  /** Does one short step of the work. False: nothing left until it asks again. */
  serve(): boolean;
}

export class AnswerScheduler {
  /** Called with the error if a bug interrupts an answer. */
  readonly onError: (error: Error) => void;
  private readonly clock: Clock;
  private readonly share: FairShare<Requester>;
  private isTurnScheduled = false;

  constructor(clock: Clock, onError: (error: Error) => void) {
    this.onError = onError;
    this.clock = clock;
    this.share = new FairShare<Requester>(clock.nowMs());
  }

  /** Serves the requester when it is its turn. */
  ask(requester: Requester): void {
    this.share.ask(requester);
    this.schedule();
  }

  /** Charges the requester for the bytes that it sent. */
  sent(requester: Requester, bytes: number): void {
    this.share.owe(requester, bytes * BYTE_MS, this.clock.nowMs());
  }

  /** Forgets a requester. */
  leave(requester: Requester): void {
    this.share.leave(requester);
  }

  private schedule(): void {
    if (this.isTurnScheduled) return;
    const waitMs = this.share.waitMs(this.clock.nowMs());
    if (waitMs === undefined) return;
    this.isTurnScheduled = true;
    if (waitMs === 0) this.clock.setImmediate(() => this.turn());
    else this.clock.setTimeout(() => this.turn(), Math.ceil(waitMs));
  }

  private turn(): void {
    const { share } = this;
    const beganMs = this.clock.nowMs();
    let nowMs = beganMs;
    while (nowMs - beganMs < TURN_MS) {
      const requester = share.next(nowMs);
      if (requester === undefined) break;
      const beforeMs = this.usedMs();
      if (!this.serve(requester)) share.leave(requester);
      const usedMs = this.usedMs() - beforeMs;
      const doneMs = this.clock.nowMs();
      share.spent(requester, usedMs, doneMs);
      nowMs = doneMs;
    }
    this.isTurnScheduled = false;
    this.schedule();
  }

  /**
   * What steps are charged by. A step that waits for a processor uses nothing: charged for that wait, it would keep
   * everybody waiting five times as long again.
   */
  private usedMs(): number {
    return this.clock.processorMs?.() ?? this.clock.nowMs();
  }

  /** A requester that throws is done; the others are not affected. */
  private serve(requester: Requester): boolean {
    try {
      return requester.serve();
    } catch (error) {
      this.onError(error as Error);
      return false;
    }
  }
}
