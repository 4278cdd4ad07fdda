/**
 * A tap: some of the lines that pass, as text for an operator. Bounded in lines shown, in lines a second, and in time;
 * whoever feeds it bounds the lines that it looks at (console/taps.ts).
 */

import { ANY_TYPE, Lines, REJECT_REASONS, Verdict } from "../protocol/line.ts";
import { escapeBytes } from "../text/escape.ts";
import { globMatches, globOf, type Meter } from "../text/glob.ts";

export const TAP_LINES_DEFAULT = 100;
export const TAP_LINES_MAX = 10_000;
/** A tap ends after this, whether it has shown its lines or not. */
export const TAP_MS_MAX = 60_000;
/** Lines that a tap shows in a second, and in one go. */
export const TAP_LINES_PER_SECOND = 500;
/** Of a pattern. */
export const PATTERN_BYTES_MAX = 255;
/** Of a line: the rest of a longer one is not looked at. */
const LOOKED_AT_BYTES_MAX = 1024;
/** What it costs to show a byte, in steps of matching. */
const SHOWN_BYTE_STEPS = 8;
const SHOWN_BYTES_MAX = 512;

export interface TapRequest {
  /** The lines that are rejected, and why; else those that pass, and where to. */
  readonly rejected: boolean;
  /** On the name, of a rejected line on all of it, as far as it is looked at; undefined: every line. A character a byte. */
  readonly pattern: string | undefined;
  readonly linesMax: number;
}

export class Tap {
  /** Lines shown so far. */
  shown = 0;
  /** What its looks have cost so far: about a nanosecond each. */
  readonly meter: Meter = { steps: 0 };
  /** Lines that matched, but were too many to show. */
  private skipped = 0;
  private text = "";
  private allowance = TAP_LINES_PER_SECOND;
  private readonly request: TapRequest;
  private readonly firstWidth: number;
  private readonly glob: Uint8Array | undefined;
  private readonly name = new Lines([ANY_TYPE], 0);

  /** @param nodeWidth of the column that says where lines go */
  constructor(request: TapRequest, nodeWidth: number) {
    this.request = request;
    this.firstWidth = request.rejected ? Math.max(...REJECT_REASONS.map(({ length }) => length)) : nodeWidth;
    this.glob = request.pattern === undefined ? undefined : globOf(request.pattern);
  }

  /** It has shown all that it was asked for. */
  get done(): boolean {
    return this.shown >= this.request.linesMax;
  }

  /** A line, as a relay's observer is told of it. */
  see(line: Buffer, verdict: Verdict, to: string): void {
    if (this.done || (verdict === Verdict.accepted) === this.request.rejected || !this.matches(line)) return;
    if (this.allowance < 1) {
      this.skipped++;
      return;
    }
    this.allowance--;
    this.shown++;
    this.meter.steps += SHOWN_BYTE_STEPS * Math.min(line.length, SHOWN_BYTES_MAX);
    const first = this.request.rejected ? REJECT_REASONS[verdict - 1] : to;
    this.text += `${first.padEnd(this.firstWidth)}  ${escapeBytes(line)}\n`;
  }

  /** What there is to show since the last time. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }

  /** So much time has passed. */
  refill(elapsedMs: number): void {
    this.allowance = Math.min(TAP_LINES_PER_SECOND, this.allowance + (TAP_LINES_PER_SECOND * elapsedMs) / 1000);
  }

  /** The last line. @param unseen lines that passed and that it was not told of */
  summary(unseen: number): string {
    const more = [
      ...(this.skipped > 0
        ? [`${this.skipped} more matched (at most ${TAP_LINES_PER_SECOND} a second are shown)`]
        : []),
      ...(unseen > 0 ? [`${unseen} were not looked at (too many at a time)`] : []),
    ];
    return `# ${[`${this.shown} shown`, ...more].join(", ")}\n`;
  }

  private matches(line: Buffer): boolean {
    const { glob, name, meter } = this;
    if (glob === undefined) return true;
    const end = Math.min(line.length, LOOKED_AT_BYTES_MAX);
    if (this.request.rejected) return globMatches(glob, line, 0, end, meter);
    name.open(line, 0, end);
    meter.steps += end;
    // Without a colon as far as it is looked at, all of that is name.
    if (name.next() === Verdict.noColon) return globMatches(glob, line, 0, end, meter);
    return globMatches(glob, line, name.nameStart, name.nameEnd, meter);
  }
}
