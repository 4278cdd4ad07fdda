/**
 * The names that a node gets, counted for a while: the proxy keeps no list of names. Bounded in time and in names; the
 * caller bounds the number of lines examined (console/taps.ts).
 */

import { EVERY_NODE_TEXT } from "../placement/owner.ts";
import { ANY_TYPE, Lines, Verdict } from "../protocol/line.ts";
import { escapeBytes } from "../text/escape.ts";
import { globMatches, globOf, type Meter } from "../text/glob.ts";
import { counted, wholeText } from "../text/quantities.ts";
import type { Selection } from "./selection.ts";

export const NAMES_SHOWN_DEFAULT = 100;
export const NAMES_SHOWN_MAX = 1000;
/** Counting ends after this time. */
export const NAMES_MS = 10_000;
/** Names that are told apart. */
export const NAMES_KEPT_MAX = 5000;
/** Of a longer name only the beginning counts. */
export const NAME_BYTES_KEPT_MAX = 255;
/** The cost of counting a line, in matching steps. */
const COUNT_STEPS = 256;

export interface NamesRequest extends Selection {
  /** The node's. */
  readonly label: string;
}

export class NameCount {
  readonly msMax = NAMES_MS;
  /** It goes on until its time is up. */
  readonly done = false;
  /** The cost of counting so far: about a nanosecond per step. */
  readonly meter: Meter = { steps: 0 };
  private readonly request: NamesRequest;
  private readonly isUp: () => boolean;
  private readonly glob: Uint8Array | undefined;
  private readonly name = new Lines([ANY_TYPE]);
  private readonly counts = new Map<string, number>();
  private lines = 0;
  /** Lines of names that there was no room for. */
  private linesOfOthers = 0;
  private elapsedMs = 0;
  private getsMirrored: boolean;

  /** @param isUp whether the node gets lines: of a mirrored line one cannot tell */
  constructor(request: NamesRequest, isUp: () => boolean) {
    this.request = request;
    this.isUp = isUp;
    this.glob = request.pattern === undefined ? undefined : globOf(request.pattern);
    this.getsMirrored = isUp();
  }

  /** Takes a line from a relay's observer. */
  see(line: Buffer, verdict: Verdict, to: string): void {
    const isDue = to === this.request.label || (to === EVERY_NODE_TEXT && this.getsMirrored);
    if (verdict !== Verdict.accepted || !isDue) return;
    const { name, glob, meter } = this;
    name.open(line, 0, line.length);
    meter.steps += COUNT_STEPS + line.length;
    if (name.next() !== Verdict.accepted) return;
    const { nameStart: start, nameEnd: end } = name;
    if (glob !== undefined && !globMatches(glob, line, start, end, meter)) return;
    this.lines++;
    // One byte more tells that it is longer.
    this.count(line.toString("latin1", start, Math.min(end, start + NAME_BYTES_KEPT_MAX + 1)));
  }

  /** Nothing until the end: only then is it known which names have the most lines. */
  take(): string {
    return "";
  }

  /** Tells it that time has passed. */
  refill(elapsedMs: number): void {
    this.elapsedMs += elapsedMs;
    this.getsMirrored = this.isUp();
  }

  /** The names with the most lines, and what was counted. @param unseen lines that passed without being examined */
  summary(unseen: number): string {
    const { counts, request, lines, linesOfOthers } = this;
    const sorted = [...counts].sort(([one, ones], [other, others]) => others - ones || (one < other ? -1 : 1));
    const shown = sorted.slice(0, request.limit);
    const width = Math.max(5, String(shown[0]?.[1] ?? "").length);
    const rows = shown.map(([name, lines]) => `${String(lines).padStart(width)}  ${shownName(name)}\n`);
    const table = rows.length === 0 ? "" : `${"lines".padStart(width)}  name\n${rows.join("")}`;
    const seconds = (Math.min(this.elapsedMs, NAMES_MS) / 1000).toFixed(1);
    const parts = [
      `${wholeText(shown.length)} of ${counted(counts.size, "name")} in ${counted(lines, "line")} in ${seconds} s`,
      ...(linesOfOthers > 0
        ? [`${counted(linesOfOthers, "line")} of other names (no more than ${NAMES_KEPT_MAX} are kept)`]
        : []),
      ...(unseen > 0
        ? [`${counted(unseen, "line")} of all nodes ${unseen === 1 ? "was" : "were"} not examined (too many at once)`]
        : []),
    ];
    return `${table}# ${parts.join(", ")}\n`;
  }

  private count(name: string): void {
    const before = this.counts.get(name);
    if (before === undefined && this.counts.size >= NAMES_KEPT_MAX) this.linesOfOthers++;
    else this.counts.set(name, (before ?? 0) + 1);
  }
}

function shownName(name: string): string {
  const isCut = name.length > NAME_BYTES_KEPT_MAX;
  const bytes = Buffer.from(isCut ? name.slice(0, NAME_BYTES_KEPT_MAX) : name, "latin1");
  return `${escapeBytes(bytes)}${isCut ? "..." : ""}`;
}
