/**
 * What is said often is said a few times, then counted. Events of one kind that come within a window:
 *
 *     node_down  node_down  ...  (5 of them)   | held back: 7     | end of the window
 *     said       said                          |                  | the last of them, with repeated=7
 *
 * Pure: events and times in, events out. The clock and the writing are log/log.io.ts's.
 */
import type { LogFields } from "./logfmt.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Events of one kind that are said within any window. */
export const BURST = 5;
export const WINDOW_MS = 10_000;
/** Kinds of nodes, and as many others, that are told apart; of more it is only said how many there were. */
export const KINDS_MAX = 1000;

/** Events that say the contrary of each other of a node: told out of order the last word would be false. */
const CONTRARIES: Readonly<Record<string, string>> = {
  node_down: "node_up",
  node_up: "node_down",
  send_failed: "send_recovered",
  send_recovered: "send_failed",
};

/** Events of nodes whose reason lies with the proxy: of one kind whichever node it is, or sixty nodes say it sixty times. */
const OF_PROXY: readonly string[] = ["check_skipped"];

interface Kind {
  /** When it was said, oldest first: the last BURST times at most. */
  readonly saidAtMs: number[];
  heldBack: number;
  last: LogEvent;
}

export class LogLimit {
  /** In order of the last event that was held back. */
  private readonly kinds = new Map<string, Kind>();
  /** Of `CONTRARIES`, by node: what is held back. */
  private readonly heldBack = new Set<string>();
  private overflow = 0;

  /** Whether to say the event now; else it is counted. What is said on demand (debug) is always said. */
  admits(event: LogEvent, nowMs: number): boolean {
    if (event.level === "debug") return true;
    const { node = "", reason = "" } = event.fields;
    // A node's reasons are one kind: which of them it was last is told.
    const key = `${event.level} ${event.event} ${node === "" || OF_PROXY.includes(event.event) ? reason : node}`;
    // However many nodes there are, there is room left for a loss, an error, and the last words.
    const kindsMax = node === "" ? 2 * KINDS_MAX : KINDS_MAX;
    const kind = this.kinds.get(key) ?? this.add(key, event, nowMs, kindsMax);
    if (kind === undefined) {
      this.overflow++;
      return false;
    }
    const { saidAtMs } = kind;
    // What was held back is told before any more is said, and before the contrary of it.
    const isNext = kind.heldBack === 0 && !this.heldBack.has(`${CONTRARIES[event.event]} ${node}`);
    if (isNext && (saidAtMs.length < BURST || nowMs >= saidAtMs[0] + WINDOW_MS)) {
      saidAtMs.push(nowMs);
      if (saidAtMs.length > BURST) saidAtMs.shift();
      return true;
    }
    kind.heldBack++;
    if (event.event in CONTRARIES) this.heldBack.add(`${event.event} ${node}`);
    kind.last = event;
    this.kinds.delete(key);
    this.kinds.set(key, kind);
    return false;
  }

  /** What there is to say of all that was held back. Afterwards nothing is; what was said lately still counts. */
  flush(nowMs: number): LogEvent[] {
    const events: LogEvent[] = [];
    for (const kind of this.kinds.values()) {
      if (kind.heldBack === 0) continue;
      events.push({ ...kind.last, fields: { ...kind.last.fields, repeated: kind.heldBack } });
      kind.heldBack = 0;
    }
    this.heldBack.clear();
    if (this.overflow > 0) events.push({ level: "warn", event: "log_limited", fields: { repeated: this.overflow } });
    this.overflow = 0;
    this.forgetOver(nowMs);
    return events;
  }

  /** A new kind; undefined if there is no room for one more. */
  private add(key: string, last: LogEvent, nowMs: number, kindsMax: number): Kind | undefined {
    if (this.kinds.size >= kindsMax) this.forgetOver(nowMs);
    if (this.kinds.size >= kindsMax) return undefined;
    const kind: Kind = { saidAtMs: [], heldBack: 0, last };
    this.kinds.set(key, kind);
    return kind;
  }

  /** Forgets kinds of which nothing is held back, and nothing was said within the window. */
  private forgetOver(nowMs: number): void {
    for (const [key, { saidAtMs, heldBack }] of this.kinds) {
      const lastMs = saidAtMs.at(-1) ?? Number.NEGATIVE_INFINITY;
      if (heldBack === 0 && nowMs >= lastMs + WINDOW_MS) this.kinds.delete(key);
    }
  }
}
