/**
 * Datagrams to a node that hold none of the clients' lines, and whose refusal may still come: those of checks, and of
 * the proxy's own metrics. A refusal does not say which datagram it answers. The next ones are taken for theirs, so that
 * the lines that are told as refused are never too many.
 *
 *     sent        turn         turn
 *     |  recent   |  earlier   |  forgotten: no answer takes so long
 */
import type { Clock, Timer } from "../system/clock.ts";

/** Longer than any answer takes. */
export const TURN_MS = 5000;
/** As for a check: after a stand-still of the process, what has arrived meanwhile is read before a timeout counts. */
const GRACE_TURNS = 3;

export class OtherDatagrams {
  private readonly clock: Clock;
  private recent = 0;
  private earlier = 0;
  private timer: Timer | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Must be called before they are sent: the refusal of the first may come with the sending of the second. */
  expect(count: number): void {
    this.recent += count;
    this.schedule();
  }

  /** A datagram was refused. Returns whether it may have been one of these. */
  refused(): boolean {
    if (this.earlier > 0) this.earlier--;
    else if (this.recent > 0) this.recent--;
    else return false;
    return true;
  }

  close(): void {
    this.recent = 0;
    this.earlier = 0;
    this.clock.cancel(this.timer);
    this.timer = undefined;
  }

  private schedule(): void {
    if (this.timer !== undefined || this.recent + this.earlier === 0) return;
    this.timer = this.clock.setTimeout(() => this.turn(GRACE_TURNS), TURN_MS);
  }

  private turn(turnsLeft: number): void {
    if (this.timer === undefined) return;
    if (turnsLeft > 0) {
      this.clock.setImmediate(() => this.turn(turnsLeft - 1));
      return;
    }
    this.earlier = this.recent;
    this.recent = 0;
    this.timer = undefined;
    this.schedule();
  }
}
