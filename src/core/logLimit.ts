/**
 * What is said often is said a few times, then counted. Events of one kind that come within a window:
 *
 *     node_down  node_down  ...  (5 of them)   | held back: 7     | end of the window
 *     said       said                          |                  | the last of them, with repeated=7
 *
 * Pure: events and times in, events out. The clock and the writing are io/log.ts's.
 */
import type { LogFields } from "./logfmt.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Events of one kind that are said in a window. */
export const BURST = 5;
export const WINDOW_MS = 10_000;
/** Kinds that are told apart; of more it is only said how many there were. */
export const KINDS_MAX = 1000;

interface Kind {
  readonly untilMs: number;
  said: number;
  heldBack: number;
  last: LogEvent;
}

export class LogLimit {
  /** In order of the last event that was held back. */
  private readonly kinds = new Map<string, Kind>();
  private uncounted = 0;

  /** Whether to say the event now; else it is counted. What is said on demand (debug) is always said. */
  admits(event: LogEvent, nowMs: number): boolean {
    if (event.level === "debug") return true;
    const { node = "", reason = "" } = event.fields;
    // A node's reasons are one kind: which of them it was last is told.
    const key = `${event.level} ${event.event} ${node === "" ? reason : node}`;
    const kind = this.kinds.get(key);
    if (kind === undefined || (nowMs >= kind.untilMs && kind.heldBack === 0)) {
      if (this.kinds.size >= KINDS_MAX) this.forgetOver(nowMs);
      if (this.kinds.size >= KINDS_MAX && kind === undefined) {
        this.uncounted++;
        return false;
      }
      this.kinds.delete(key);
      this.kinds.set(key, { untilMs: nowMs + WINDOW_MS, said: 1, heldBack: 0, last: event });
      return true;
    }
    if (kind.said < BURST) {
      kind.said++;
      return true;
    }
    kind.heldBack++;
    kind.last = event;
    this.kinds.delete(key);
    this.kinds.set(key, kind);
    return false;
  }

  /** What there is to say of all that was held back. Afterwards nothing is, and every kind is new. */
  flush(): LogEvent[] {
    const heldBack = [...this.kinds.values()].filter((kind) => kind.heldBack > 0);
    const events = heldBack.map((kind): LogEvent => {
      return { ...kind.last, fields: { ...kind.last.fields, repeated: kind.heldBack } };
    });
    if (this.uncounted > 0) events.push({ level: "warn", event: "log_limited", fields: { repeated: this.uncounted } });
    this.kinds.clear();
    this.uncounted = 0;
    return events;
  }

  private forgetOver(nowMs: number): void {
    for (const [key, { untilMs, heldBack }] of this.kinds) {
      if (untilMs <= nowMs && heldBack === 0) this.kinds.delete(key);
    }
  }
}
