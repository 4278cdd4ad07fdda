/**
 * Turns: a turn begins with the first datagram that the kernel hands over and ends, with everything sent, when the
 * event loop comes round. In a flood it would never come round by itself, because Bun (1.4.5) reads on until the socket
 * is empty; so a turn that grows old is ended from within (test: "the console answers while the socket is flooded").
 */

/** A turn that is older than this is ended from within. */
const TURN_MS_MAX = 20;
/** Datagrams between looks at the clock. */
const DATAGRAMS_PER_LOOK = 32;

export interface TurnParts {
  /** Sends everything that waits. */
  readonly flush: () => void;
  /** Makes the receive loop return to the event loop, without losing a datagram. */
  readonly interrupt: () => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly nowMs: () => number;
}

export class Turns {
  private readonly flush: () => void;
  private readonly interrupt: () => void;
  private readonly nowMs: () => number;
  private readonly end: () => void;
  private underWay = false;
  private datagrams = 0;
  private startedAtMs = 0;

  constructor({ flush, interrupt, nowMs }: TurnParts) {
    this.flush = flush;
    this.interrupt = interrupt;
    this.nowMs = nowMs;
    this.end = () => {
      this.underWay = false;
      this.flush();
    };
  }

  /** To be called after each datagram. */
  datagram(): void {
    if (!this.underWay) this.begin();
    else if (++this.datagrams % DATAGRAMS_PER_LOOK === 0) this.look();
  }

  private begin(): void {
    this.underWay = true;
    this.datagrams = 1;
    this.startedAtMs = this.nowMs();
    setImmediate(this.end);
  }

  private look(): void {
    const nowMs = this.nowMs();
    if (nowMs - this.startedAtMs < TURN_MS_MAX) return;
    this.startedAtMs = nowMs;
    this.flush();
    this.interrupt();
  }
}
