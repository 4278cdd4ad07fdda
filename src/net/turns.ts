/**
 * Turns: when what has come is sent, and when to read on. A turn begins with the first datagram and ends when the event
 * loop comes round: then everything is sent. While the proxy is busy the next turn follows at once: it sleeps, so that
 * datagrams gather, and reads them in bulk; the runtime reads nothing meanwhile.
 *
 *     trickle   the runtime's callback --> event loop comes round: send
 *     busy      send, sleep, read in bulk --> event loop comes round: send, sleep, read in bulk ...
 *
 * In a flood the event loop would never come round by itself, because Bun (1.4.5) reads on until the socket is empty.
 * So the runtime is paused when it hands over many datagrams, and reading in bulk ends by the clock (test: "the console
 * answers while the socket is flooded").
 *
 * There is one sequence of turns for the process, however many sockets are read: a sleep holds up all of them.
 */
import type { Clock } from "../system/clock.ts";
import type { Gather } from "./gather.ts";

/** Datagrams that the runtime may hand over in one turn before it is paused: few where there is a faster way to read. */
const DATAGRAMS_MAX = 32;
const DATAGRAMS_MAX_WITHOUT_BULK = 1024;
/** The longest that a turn reads in bulk. */
const BULK_MS_MAX = 10;

export interface TurnsParts {
  /** Sends everything that waits. */
  readonly flush: () => void;
  readonly clock: Pick<Clock, "nowMs" | "setImmediate" | "sleep">;
}

/** A socket as it is read. */
export interface Readable {
  /** Hands over some of the datagrams that wait; true: there may be more. Undefined: there is no such way here. */
  readonly readBulk: (() => boolean) | undefined;
  /** Has the runtime return to the event loop, without losing a datagram. Where it can, it stays paused. */
  pause(): void;
  /** The runtime reads again. */
  resume(): void;
}

export class Turns {
  private readonly parts: TurnsParts;
  private readonly readers: Reader[] = [];
  private readonly end: () => void;
  private isUnderWay = false;
  private endedAtMs: number;

  constructor(parts: TurnsParts) {
    this.parts = parts;
    this.endedAtMs = parts.clock.nowMs();
    this.end = () => this.ended();
  }

  /** From now on the socket has a part in each turn. */
  add(readable: Readable, gather: Gather): Reader {
    const reader = new Reader(readable, gather, {
      begin: () => this.begin(),
      gone: () => void this.readers.splice(this.readers.indexOf(reader), 1),
    });
    this.readers.push(reader);
    return reader;
  }

  private begin(): void {
    if (this.isUnderWay) return;
    this.isUnderWay = true;
    this.parts.clock.setImmediate(this.end);
  }

  private ended(): void {
    const { readers } = this;
    const { flush, clock } = this.parts;
    this.isUnderWay = false;
    // Who takes the last reader away sends what is left.
    if (readers.length === 0) return;
    flush();
    const endedAtMs = clock.nowMs();
    const elapsedMs = endedAtMs - this.endedAtMs;
    this.endedAtMs = endedAtMs;
    // As long as the one allows that must be read soonest.
    let sleepMs = Number.POSITIVE_INFINITY;
    for (const reader of readers) sleepMs = Math.min(sleepMs, reader.endTurn(elapsedMs));
    if (sleepMs > 0 && sleepMs < Number.POSITIVE_INFINITY) clock.sleep(sleepMs);
    const untilMs = clock.nowMs() + BULK_MS_MAX;
    // A copy, because a reader may go while it is read.
    for (const reader of [...readers]) reader.readOn(() => clock.nowMs() < untilMs);
  }
}

/** One socket's part in the turns. */
export class Reader {
  gather: Gather;
  private readonly readable: Readable;
  private readonly events: { readonly begin: () => void; readonly gone: () => void };
  private readonly fromRuntimeMax: number;
  private isPaused = false;
  private isStopped = false;
  private datagrams = 0;
  private bytes = 0;
  private fromRuntime = 0;

  constructor(readable: Readable, gather: Gather, events: Reader["events"]) {
    this.readable = readable;
    this.gather = gather;
    this.events = events;
    this.fromRuntimeMax = readable.readBulk ? DATAGRAMS_MAX : DATAGRAMS_MAX_WITHOUT_BULK;
  }

  /** To be called for each datagram that the runtime hands over, after it was relayed. */
  datagramFromRuntime(bytes: number): void {
    this.datagram(bytes);
    if (++this.fromRuntime % this.fromRuntimeMax === 0) this.pause();
  }

  /** To be called for each datagram that was read in bulk, after it was relayed. */
  datagram(bytes: number): void {
    this.datagrams++;
    this.bytes += bytes;
    if (!this.isStopped) this.events.begin();
  }

  /** It has no part in the turns any more: what was the socket's number may be another's. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.events.gone();
  }

  /** The turn has ended. Returns how long it allows to sleep; Infinity: it has no say in that. */
  endTurn(elapsedMs: number): number {
    const { gather, datagrams, bytes } = this;
    this.datagrams = 0;
    this.bytes = 0;
    this.fromRuntime = 0;
    const sleepMs = gather.sleepMs({ datagrams, bytes, elapsedMs });
    if (gather.busy && this.readable.readBulk) this.pause();
    return gather.busy && datagrams > 0 ? sleepMs : Number.POSITIVE_INFINITY;
  }

  /** Reads in bulk for as long as `hasTime`. */
  readOn(hasTime: () => boolean): void {
    const { readBulk } = this.readable;
    if (this.isPaused && readBulk) while (!this.isStopped && readBulk() && hasTime());
    // Nothing came, or too little to go on looking for it: the runtime is to wake the proxy for the next.
    if (!this.gather.busy || this.datagrams === 0) this.resume();
  }

  private pause(): void {
    this.isPaused = true;
    this.readable.pause();
  }

  private resume(): void {
    if (!this.isPaused || this.isStopped) return;
    this.isPaused = false;
    this.readable.resume();
  }
}
