/**
 * Turns: when to send what has arrived, and when to read on. A turn begins with the first datagram and ends in the next
 * round of the event loop, when everything is sent. A busy proxy starts the next turn at once: it sleeps so that
 * datagrams gather, then reads them in bulk; the runtime reads nothing meanwhile.
 *
 *     trickle   the runtime's callback --> next round of the event loop: send
 *     busy      send, sleep, read in bulk --> next round: send, sleep, read in bulk ...
 *
 * In a flood, the event loop would never come round, because Bun (1.4.5) reads until the socket is empty. So the
 * runtime is paused once it has delivered many datagrams, and a bulk read has a time limit (test: "the console answers
 * while the socket is flooded").
 *
 * There is one sequence of turns per process, however many sockets are read: a sleep stops all of them.
 */
import type { Clock } from "../system/clock.ts";
import type { Gather } from "./gather.ts";

/** Datagrams that the runtime may deliver in one turn before it is paused: few where there is a faster way to read. */
const DATAGRAMS_MAX = 32;
const DATAGRAMS_MAX_WITHOUT_BULK = 1024;
/** Time limit of one turn's bulk reads. */
const BULK_MS_MAX = 10;

export interface TurnsParts {
  /** Sends everything that is pending. */
  readonly flush: () => void;
  readonly clock: Pick<Clock, "nowMs" | "setImmediate" | "sleep">;
}

/** A socket, as far as reading it goes. */
export interface Readable {
  /** Delivers some of the waiting datagrams; true: there may be more. Undefined: not available here. */
  readonly readBulk: (() => boolean) | undefined;
  /** Makes the runtime return to the event loop, without losing a datagram. Where possible, it stays paused. */
  pause(): void;
  /** Lets the runtime read again. */
  resume(): void;
}

export class Turns {
  private readonly parts: TurnsParts;
  private readonly readers: Reader[] = [];
  private readonly end: () => void;
  private isTurnScheduled = false;
  private endedAtMs: number;

  constructor(parts: TurnsParts) {
    this.parts = parts;
    this.endedAtMs = parts.clock.nowMs();
    this.end = () => this.ended();
  }

  /** Includes a socket in the turns from now on. */
  add(readable: Readable, gather: Gather): Reader {
    const reader = new Reader(readable, gather, {
      begin: () => this.begin(),
      remove: () => void this.readers.splice(this.readers.indexOf(reader), 1),
    });
    this.readers.push(reader);
    return reader;
  }

  private begin(): void {
    if (this.isTurnScheduled) return;
    this.isTurnScheduled = true;
    this.parts.clock.setImmediate(this.end);
  }

  private ended(): void {
    const { readers } = this;
    const { flush, clock } = this.parts;
    this.isTurnScheduled = false;
    // Whoever removes the last reader sends what is left.
    if (readers.length === 0) return;
    flush();
    const endedAtMs = clock.nowMs();
    const elapsedMs = endedAtMs - this.endedAtMs;
    this.endedAtMs = endedAtMs;
    // The socket that must be read soonest limits the sleep.
    let sleepMs = Number.POSITIVE_INFINITY;
    for (const reader of readers) sleepMs = Math.min(sleepMs, reader.endTurn(elapsedMs));
    if (sleepMs > 0 && sleepMs < Number.POSITIVE_INFINITY) clock.sleep(sleepMs);
    const untilMs = clock.nowMs() + BULK_MS_MAX;
    // A copy, because a reader may be removed while it reads.
    for (const reader of [...readers]) reader.readOn(() => clock.nowMs() < untilMs);
  }
}

/** One socket's part in the turns. */
export class Reader {
  gather: Gather;
  private readonly readable: Readable;
  private readonly events: { readonly begin: () => void; readonly remove: () => void };
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

  /** Nothing was read since the last turn ended. */
  get isBetweenTurns(): boolean {
    return this.datagrams === 0;
  }

  /** Call this for each datagram that the runtime delivered, after relaying it. */
  datagramFromRuntime(bytes: number): void {
    this.datagramsInBulk(1, bytes);
    if (++this.fromRuntime % this.fromRuntimeMax === 0) this.pause();
  }

  /** Call this for the datagrams of a bulk read, after relaying them. */
  datagramsInBulk(count: number, bytes: number): void {
    this.datagrams += count;
    this.bytes += bytes;
    if (!this.isStopped) this.events.begin();
  }

  /** Leaves the turns: the socket's descriptor may soon belong to another. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.events.remove();
  }

  /** Ends its turn. Returns how long it permits sleeping; Infinity: no opinion. */
  endTurn(elapsedMs: number): number {
    const { gather, datagrams, bytes } = this;
    this.datagrams = 0;
    this.bytes = 0;
    this.fromRuntime = 0;
    const sleepMs = gather.sleepMs({ datagrams, bytes, elapsedMs });
    if (gather.busy && this.readable.readBulk) this.pause();
    return gather.busy && datagrams > 0 ? sleepMs : Number.POSITIVE_INFINITY;
  }

  /** Reads in bulk while `hasTime` returns true. */
  readOn(hasTime: () => boolean): void {
    const { readBulk } = this.readable;
    if (this.isPaused && readBulk) while (!this.isStopped && readBulk() && hasTime());
    // Too little arrives to keep polling: let the runtime wake us for the next datagram.
    if (!this.gather.busy || this.datagrams === 0) this.resume();
  }

  private pause(): void {
    // Where it can be read in bulk it stays paused; elsewhere, it is only interrupted.
    if (this.isPaused && this.readable.readBulk) return;
    this.isPaused = true;
    this.readable.pause();
  }

  private resume(): void {
    if (!this.isPaused || this.isStopped) return;
    this.isPaused = false;
    this.readable.resume();
  }
}
