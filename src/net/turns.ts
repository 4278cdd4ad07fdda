/**
 * Turns: when what has come is sent, and when to read on. A turn begins with the first datagram and ends when the event
 * loop comes round: then everything is sent. While the proxy is busy the next turn follows at once: it sleeps, so that
 * datagrams gather, and reads them in bulk; Bun reads nothing meanwhile.
 *
 *     trickle   Bun's data callback --> event loop comes round: send
 *     busy      send, sleep, read in bulk --> event loop comes round: send, sleep, read in bulk ...
 *
 * In a flood the event loop would never come round by itself, because Bun (1.4.5) reads on until the socket is empty.
 * So Bun is paused when it hands over many datagrams, and reading in bulk ends by the clock (test: "the console answers
 * while the socket is flooded").
 */
import type { Gather } from "./gather.ts";

/** Datagrams that Bun may hand over in one turn before it is paused: few where there is a faster way to read. */
const DATAGRAMS_MAX = 32;
const DATAGRAMS_MAX_WITHOUT_BULK = 1024;
/** The longest that a turn reads in bulk. */
const BULK_MS_MAX = 10;

export interface TurnsParts {
  readonly gather: Gather;
  /** Sends everything that waits. */
  readonly flush: () => void;
  /** Hands over some of the datagrams that wait; true: there may be more. Undefined: there is no such way here. */
  readonly readBulk: (() => boolean) | undefined;
  readonly bun: BunReading;
  /** Runs something when the event loop comes round: after Bun's receive loop, before the next. */
  readonly defer: (run: () => void) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly nowMs: () => number;
  /** Does nothing for so long. */
  readonly sleep: (ms: number) => void;
}

/** Bun's own reading of the socket. */
export interface BunReading {
  /** Makes Bun's receive loop return to the event loop, without losing a datagram. Where it can, Bun stays paused. */
  pause(): void;
  /** Bun reads again. */
  resume(): void;
}

export class Turns {
  private readonly parts: TurnsParts;
  private readonly end: () => void;
  private readonly fromBunMax: number;
  private underWay = false;
  private paused = false;
  private stopped = false;
  private datagrams = 0;
  private bytes = 0;
  private fromBun = 0;
  private endedAtMs: number;

  constructor(parts: TurnsParts) {
    this.parts = parts;
    this.endedAtMs = parts.nowMs();
    this.end = () => this.ended();
    this.fromBunMax = parts.readBulk ? DATAGRAMS_MAX : DATAGRAMS_MAX_WITHOUT_BULK;
  }

  /** No turn begins or goes on any more: what was the socket's number may be another's. */
  stop(): void {
    this.stopped = true;
  }

  /** To be called for each datagram that Bun hands over, after it was relayed. */
  datagramFromBun(bytes: number): void {
    this.datagram(bytes);
    if (++this.fromBun % this.fromBunMax === 0) this.pause();
  }

  /** To be called for each datagram that was read in bulk, after it was relayed. */
  datagram(bytes: number): void {
    this.datagrams++;
    this.bytes += bytes;
    if (this.underWay || this.stopped) return;
    this.underWay = true;
    this.parts.defer(this.end);
  }

  private ended(): void {
    const { gather, flush, nowMs, sleep } = this.parts;
    if (!this.stopped) flush();
    if (this.stopped) return;
    const endedAtMs = nowMs();
    const seen = { datagrams: this.datagrams, bytes: this.bytes, elapsedMs: endedAtMs - this.endedAtMs };
    this.endedAtMs = endedAtMs;
    this.underWay = false;
    this.datagrams = 0;
    this.bytes = 0;
    this.fromBun = 0;
    const sleepMs = gather.sleepMs(seen);
    if (gather.busy && this.parts.readBulk) this.pause();
    if (sleepMs > 0) sleep(sleepMs);
    if (this.paused) this.readBulk();
    // Nothing came, or too little to go on looking for it: Bun is to wake the proxy for the next.
    if (!gather.busy || !this.underWay) this.resume();
  }

  private pause(): void {
    this.paused = true;
    this.parts.bun.pause();
  }

  private resume(): void {
    if (!this.paused || this.stopped) return;
    this.paused = false;
    this.parts.bun.resume();
  }

  private readBulk(): void {
    const { readBulk, nowMs } = this.parts;
    if (readBulk === undefined) return;
    const untilMs = nowMs() + BULK_MS_MAX;
    while (!this.stopped && readBulk() && nowMs() < untilMs);
  }
}
