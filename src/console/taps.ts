/**
 * Taps on the lines that pass. They must not slow the way of a metric, so the relay has an observer only while there is a
 * tap, and only for so many lines at a time: then it goes without until the next tick.
 *
 *     tick            tick            tick
 *     |looks----|     |looks-|        |looks----|         a flood: looks at a part of the lines
 *     |looks          |looks          |looks              else: at all of them
 */

import type { LineObserver } from "../relay/relay.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { Stream } from "./commands.ts";
import { TAP_MS_MAX, Tap, type TapRequest } from "./tap.ts";

export const TAPS_MAX = 4;
const TICK_MS = 50;
/** Lines that are looked at between two ticks, so 100,000 a second: 2 to 4% of a core, with four taps. */
export const LOOKS_PER_TICK = 5000;
/** A line that costs more than this, with all taps, counts for more than one: long names, dear patterns. */
const STEPS_PER_LOOK = 512;

export interface TapsParts {
  /** Of the column that says where lines go. */
  readonly nodeWidth: () => number;
  /** Sets the relay's observer, or takes it away. */
  readonly watch: (observer: LineObserver | undefined) => void;
  /** Lines that arrived so far. */
  readonly linesReceived: () => number;
  readonly clock: Clock;
}

/** A tap that is under way, and what it began with. */
interface Running {
  readonly tap: Tap;
  readonly untilMs: number;
  readonly write: (text: string) => boolean;
  readonly end: (last: string) => void;
  readonly passedBefore: number;
  readonly looksBefore: number;
}

export class Taps {
  private readonly parts: TapsParts;
  private readonly running = new Set<Running>();
  private timer: Timer | undefined;
  private looks = 0;
  private looksLeft = LOOKS_PER_TICK;
  private tickedAtMs = 0;

  constructor(parts: TapsParts) {
    this.parts = parts;
  }

  /** Undefined: there are as many as there may be. */
  open(request: TapRequest): Stream | undefined {
    if (this.running.size >= TAPS_MAX) return undefined;
    let running: Running | undefined;
    return {
      begin: (write, end) => {
        running = {
          tap: new Tap(request, this.parts.nodeWidth()),
          untilMs: this.parts.clock.nowMs() + TAP_MS_MAX,
          write,
          end,
          passedBefore: this.parts.linesReceived(),
          looksBefore: this.looks,
        };
        this.add(running);
      },
      stop: () => {
        if (running === undefined) return "";
        this.remove(running);
        return this.lastText(running);
      },
    };
  }

  private add(running: Running): void {
    this.running.add(running);
    if (this.running.size > 1) return;
    this.tickedAtMs = this.parts.clock.nowMs();
    this.timer = this.parts.clock.setInterval(() => this.tick(), TICK_MS);
    this.look();
  }

  private remove(running: Running): void {
    this.running.delete(running);
    if (this.running.size > 0) return;
    this.parts.clock.cancel(this.timer);
    this.parts.watch(undefined);
  }

  private look(): void {
    this.looksLeft = LOOKS_PER_TICK;
    this.parts.watch((line, verdict, to) => {
      this.looks++;
      let steps = 0;
      for (const { tap } of this.running) {
        const before = tap.meter.steps;
        tap.see(line, verdict, to);
        steps += tap.meter.steps - before;
      }
      this.looksLeft -= 1 + Math.floor(steps / STEPS_PER_LOOK);
      if (this.looksLeft <= 0) this.parts.watch(undefined);
    });
  }

  private tick(): void {
    const nowMs = this.parts.clock.nowMs();
    for (const running of this.running) {
      const { tap, untilMs, write, end } = running;
      tap.refill(nowMs - this.tickedAtMs);
      const over = tap.done || nowMs >= untilMs;
      const text = over ? "" : tap.take();
      if (!over && (text === "" || write(text))) continue;
      // A client that is gone has stopped its tap within `write`.
      if (!this.running.has(running)) continue;
      this.remove(running);
      end(this.lastText(running));
    }
    this.tickedAtMs = nowMs;
    if (this.running.size > 0) this.look();
  }

  private lastText({ tap, passedBefore, looksBefore }: Running): string {
    const passed = this.parts.linesReceived() - passedBefore;
    return tap.take() + tap.summary(Math.max(0, passed - (this.looks - looksBefore)));
  }
}
