/**
 * Everything but the proxy: time, and what happens in it. What is scheduled here changes the state of kernels and hosts,
 * and never calls the proxy: that learns of it when its event loop comes round (eventLoop.ts). So time may pass, and
 * queues fill, also while the proxy sleeps within a callback.
 */
import type { Random } from "./random.ts";
import { Schedule, type Scheduled } from "./schedule.ts";

/** Events that a failure is told with. */
const REMEMBERED = 60;

export class World {
  nowMs = 1000;
  readonly random: Random;
  /** What was violated first. */
  violation: string | undefined;
  /** How often each kind of fault happened. */
  readonly faults = new Map<string, number>();
  /** A digest of all that happened. */
  hash = 0x811c9dc5;
  events = 0;
  /** Milliseconds that the proxy did not run, together. */
  stalledMs = 0;
  private stallBeganMs: number | undefined;
  private readonly schedule = new Schedule();
  private readonly remembered: (readonly [atMs: number, what: string, a: number | string, b: number | string])[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  after(ms: number, run: () => void): Scheduled {
    return this.schedule.add(this.nowMs + ms, run);
  }

  cancel(scheduled: Scheduled): void {
    this.schedule.cancel(scheduled);
  }

  /** The time without that in which the proxy did not run. */
  get awakeMs(): number {
    return (this.stallBeganMs ?? this.nowMs) - this.stalledMs;
  }

  /** Lets time pass in which the proxy does not run. */
  stall(ms: number): void {
    this.stallBeganMs = this.nowMs;
    this.advance(ms);
    this.stalledMs += this.nowMs - this.stallBeganMs;
    this.stallBeganMs = undefined;
  }

  nextAtMs(): number {
    return this.schedule.nextAtMs();
  }

  /** Lets time pass, with all that happens in it. */
  advance(ms: number): void {
    this.advanceTo(this.nowMs + ms);
  }

  advanceTo(atMs: number): void {
    for (let next = this.schedule.take(atMs); next !== undefined; next = this.schedule.take(atMs)) {
      if (next.atMs > this.nowMs) this.nowMs = next.atMs;
      next.run();
    }
    if (atMs > this.nowMs) this.nowMs = atMs;
  }

  /** Takes down that something happened. */
  note(what: string, a: number | string = "", b: number | string = ""): void {
    let hash = this.mix(this.hash, this.nowMs * 1000);
    hash = typeof a === "number" ? this.mix(hash, a) : textHash(hash, a);
    hash = typeof b === "number" ? this.mix(hash, b) : textHash(hash, b);
    this.hash = textHash(hash, what);
    this.remembered[this.events++ % REMEMBERED] = [this.nowMs, what, a, b];
  }

  fault(kind: string, detail: number | string = "", more: number | string = ""): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.note(`fault ${kind}`, detail, more);
  }

  /** What must not be has been. The first counts. */
  violated(what: string): void {
    this.violation ??= what;
  }

  /** The last events, oldest first. */
  lastEvents(): string[] {
    const count = Math.min(this.events, REMEMBERED);
    return Array.from({ length: count }, (_, i) => {
      const [atMs, what, a, b] = this.remembered[(this.events - count + i) % REMEMBERED];
      return `${atMs.toFixed(3)} ${what} ${a} ${b}`.trimEnd();
    });
  }

  private mix(hash: number, value: number): number {
    return Math.imul(hash ^ (value | 0), 0x01000193) ^ (hash >>> 15);
  }
}

function textHash(hash: number, text: string): number {
  let mixed = hash;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  return mixed;
}
