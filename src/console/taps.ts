/**
 * Taps on the lines that pass. They must not slow down the metrics, so the relay has an observer only while there is a
 * tap, and only for a limited number of lines per tick.
 *
 *     tick            tick            tick
 *     |examines--|    |examines|      |examines--|        in a flood: part of the lines
 *     |examines       |examines       |examines           otherwise: all of them
 */

import type { Verdict } from "../protocol/line.ts";
import type { LineObserver } from "../relay/relay.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { Meter } from "../text/glob.ts";
import type { Stream } from "./commands.ts";
import { NameCount, type NamesRequest } from "./nameCount.ts";
import { Tap, type TapRequest } from "./tap.ts";

export const TAPS_MAX = 4;
const TICK_MS = 50;
/** Lines examined per tick, which makes 100,000 per second: 2 to 4% of a core with four taps. */
export const LINES_PER_TICK = 5000;
/** A line that takes more steps than this, over all taps, counts as several: long names, expensive patterns. */
const STEPS_PER_LINE = 512;

export interface TapsParts {
  /** Width of the column that shows where lines go. */
  readonly nodeWidth: () => number;
  /** Sets the relay's observer, or removes it. */
  readonly setObserver: (observer: LineObserver | undefined) => void;
  /** Lines that arrived so far. */
  readonly linesReceived: () => number;
  readonly clock: Clock;
}

/** What is made of the lines that pass: they are shown, or counted. */
interface Viewer {
  /** It ends after this time, and before if it is done. */
  readonly msMax: number;
  readonly done: boolean;
  /** The cost of what it did so far: about a nanosecond per step. */
  readonly meter: Meter;
  see(line: Buffer, verdict: Verdict, to: string): void;
  /** Returns the text since the last call. */
  take(): string;
  /** Tells it how much time has passed. */
  refill(elapsedMs: number): void;
  /** The last text. @param unseen lines that passed without being examined */
  summary(unseen: number): string;
}

/** A running tap, and the state when it began. */
interface Running {
  readonly tap: Viewer;
  readonly untilMs: number;
  readonly write: (text: string) => boolean;
  readonly end: (last: string) => void;
  readonly passedBefore: number;
  readonly examinedBefore: number;
}

export class Taps {
  private readonly parts: TapsParts;
  private readonly running = new Set<Running>();
  private timer: Timer | undefined;
  private examined = 0;
  private linesLeft = LINES_PER_TICK;
  private tickedAtMs = 0;

  constructor(parts: TapsParts) {
    this.parts = parts;
  }

  /** Undefined: there are too many already. */
  open(request: TapRequest): Stream | undefined {
    return this.streamOf(() => new Tap(request, this.parts.nodeWidth()));
  }

  /** The same for the names that a node gets. @param isUp whether it gets any */
  openNames(request: NamesRequest, isUp: () => boolean): Stream | undefined {
    return this.streamOf(() => new NameCount(request, isUp));
  }

  private streamOf(viewer: () => Viewer): Stream | undefined {
    if (this.running.size >= TAPS_MAX) return undefined;
    let running: Running | undefined;
    return {
      isTap: true,
      begin: (write, end) => {
        const tap = viewer();
        running = {
          tap,
          untilMs: this.parts.clock.nowMs() + tap.msMax,
          write,
          end,
          passedBefore: this.parts.linesReceived(),
          examinedBefore: this.examined,
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
    this.observe();
  }

  private remove(running: Running): void {
    this.running.delete(running);
    if (this.running.size > 0) return;
    this.parts.clock.cancel(this.timer);
    this.parts.setObserver(undefined);
  }

  private observe(): void {
    this.linesLeft = LINES_PER_TICK;
    this.parts.setObserver((line, verdict, to) => {
      this.examined++;
      let steps = 0;
      for (const { tap } of this.running) {
        const before = tap.meter.steps;
        tap.see(line, verdict, to);
        steps += tap.meter.steps - before;
      }
      this.linesLeft -= 1 + Math.floor(steps / STEPS_PER_LINE);
      if (this.linesLeft <= 0) this.parts.setObserver(undefined);
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
      // If the client is gone, `write` has already stopped its tap.
      if (!this.running.has(running)) continue;
      this.remove(running);
      end(this.lastText(running));
    }
    this.tickedAtMs = nowMs;
    if (this.running.size > 0) this.observe();
  }

  private lastText({ tap, passedBefore, examinedBefore }: Running): string {
    const passed = this.parts.linesReceived() - passedBefore;
    return tap.take() + tap.summary(Math.max(0, passed - (this.examined - examinedBefore)));
  }
}
