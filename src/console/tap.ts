/**
 * A tap: a selection of the lines that pass, as text for an operator. Bounded in lines shown, lines per second, and
 * time; the caller bounds the number of lines examined (console/taps.ts).
 */

import { ANY_TYPE, Lines, REJECT_REASONS, Verdict } from "../protocol/line.ts";
import { escapeBytes } from "../text/escape.ts";
import { globMatches, globOf, type Meter } from "../text/glob.ts";

export const TAP_LINES_DEFAULT = 100;
export const TAP_LINES_MAX = 10_000;
/** A tap ends after this time, whether it has shown all its lines or not. */
export const TAP_MS_MAX = 60_000;
/** Lines that a tap shows per second, and at once. */
export const TAP_LINES_PER_SECOND = 500;
/** Limit for a line: the rest of a longer one is ignored. */
const LOOKED_AT_BYTES_MAX = 1024;
/** The cost of showing a byte, in matching steps. */
const SHOWN_BYTE_STEPS = 8;
const SHOWN_BYTES_MAX = 512;

export interface TapRequest {
  /** Show rejected lines and the reason, instead of accepted lines and their node. */
  readonly rejected: boolean;
  /**
   * Matched against the name, or against all of a rejected line, up to the limit above; undefined: every line. One
   * character per byte.
   */
  readonly pattern: string | undefined;
  readonly linesMax: number;
}

export class Tap {
  readonly msMax = TAP_MS_MAX;
  /** Lines shown so far. */
  shown = 0;
  /** The cost of matching so far: about a nanosecond per step. */
  readonly meter: Meter = { steps: 0 };
  /** Lines that matched but exceeded the rate. */
  private skipped = 0;
  private text = "";
  private allowance = TAP_LINES_PER_SECOND;
  private readonly request: TapRequest;
  private readonly firstWidth: number;
  private readonly glob: Uint8Array | undefined;
  private readonly name = new Lines([ANY_TYPE]);

  /** @param nodeWidth width of the column that shows where lines go */
  constructor(request: TapRequest, nodeWidth: number) {
    this.request = request;
    this.firstWidth = request.rejected ? Math.max(...REJECT_REASONS.map(({ length }) => length)) : nodeWidth;
    this.glob = request.pattern === undefined ? undefined : globOf(request.pattern);
  }

  /** It has shown as many lines as requested. */
  get done(): boolean {
    return this.shown >= this.request.linesMax;
  }

  /** Takes a line from a relay's observer. */
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

  /** Returns the text since the last call. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }

  /** Refills the allowance for the time that has passed. */
  refill(elapsedMs: number): void {
    this.allowance = Math.min(TAP_LINES_PER_SECOND, this.allowance + (TAP_LINES_PER_SECOND * elapsedMs) / 1000);
  }

  /** The last line. @param unseen lines that passed without being examined */
  summary(unseen: number): string {
    const more = [
      ...(this.skipped > 0 ? [`${this.skipped} more matched (only ${TAP_LINES_PER_SECOND} a second are shown)`] : []),
      ...(unseen > 0 ? [`${unseen} were not examined (too many at once)`] : []),
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
    // Without a colon up to the limit, all of it is the name.
    if (name.next() === Verdict.noColon) return globMatches(glob, line, 0, end, meter);
    return globMatches(glob, line, name.nameStart, name.nameEnd, meter);
  }
}
