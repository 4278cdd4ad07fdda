/** The time for answers: everyone who asks something, at the console or over HTTP, is served from here. */
import type { Clock } from "../system/clock.ts";
import { type Account, FairShare } from "./fairShare.ts";

/**
 * The longest that one turn of the event loop is spent on answers, but for the last step's length: in 2 ms no more
 * datagrams come than the kernel's default buffer holds at 100,000 a second.
 */
const TURN_MS = 2;

/**
 * What is owed in advance for each byte that is asked, about what the dearest answer costs (a `route` of 2,000 names):
 * of those who have used nothing yet, who asks at length comes behind who asks one thing.
 */
const BYTE_MS = 0.0005;

/** Somebody who asks. */
export interface Requester {
  /** To begin with, nothing. */
  readonly account: Account;
  /** Does one step of what there is to do, a short one. False: nothing is left until it asks again. */
  serve(): boolean;
}

export class Answering {
  /** To be told of an error of the program's own, that an answer ended in. */
  readonly onError: (error: Error) => void;
  private readonly clock: Clock;
  private readonly share: FairShare<Requester>;
  private underWay = false;

  constructor(clock: Clock, onError: (error: Error) => void) {
    this.onError = onError;
    this.clock = clock;
    this.share = new FairShare<Requester>(clock.nowMs());
  }

  /** Has the requester served, when it is its turn. */
  ask(requester: Requester): void {
    this.share.ask(requester);
    this.schedule();
  }

  /** The requester has sent so many bytes. */
  sent(requester: Requester, bytes: number): void {
    this.share.owe(requester, bytes * BYTE_MS, this.clock.nowMs());
  }

  /** The requester is gone. */
  leave(requester: Requester): void {
    this.share.leave(requester);
  }

  private schedule(): void {
    if (this.underWay) return;
    const waitMs = this.share.waitMs(this.clock.nowMs());
    if (waitMs === undefined) return;
    this.underWay = true;
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
      if (!this.serve(requester)) share.leave(requester);
      const doneMs = this.clock.nowMs();
      share.spent(requester, doneMs - nowMs, doneMs);
      nowMs = doneMs;
    }
    this.underWay = false;
    this.schedule();
  }

  /** Whoever throws is done. The others are served as before. */
  private serve(requester: Requester): boolean {
    try {
      return requester.serve();
    } catch (error) {
      this.onError(error as Error);
      return false;
    }
  }
}
