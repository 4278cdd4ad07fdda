/**
 * Limits repeated events: the first few are logged, the others are counted. Within a window, for events of one kind:
 *
 *     node_down  node_down  ...  (5 of them)   | held back: 7     | end of the window
 *     logged     logged                        |                  | logs the last, with repeated=7
 *
 * Pure: events and times in, events out. log/log.io.ts does the clock and the writing.
 */
import type { LogFields } from "./logfmt.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Events of one kind that are logged within any window. */
export const BURST = 5;
export const WINDOW_MS = 10_000;
/** Kinds that are tracked for nodes, and as many for everything else; beyond that, events are only counted. */
export const KINDS_MAX = 1000;

/** Opposite events of a node, or of a host's name: logged out of order, the last one would be false. */
const OPPOSITES: Readonly<Record<string, string>> = {
  node_down: "node_up",
  node_up: "node_down",
  send_failed: "send_recovered",
  send_recovered: "send_failed",
  name_unresolved: "name_resolved",
  name_resolved: "name_unresolved",
};

/**
 * Events of nodes with a cause in the proxy itself: one kind for all nodes, or sixty nodes would log it sixty times.
 */
const PROXY_EVENTS: readonly string[] = ["check_skipped"];

interface Kind {
  /** When it was logged, oldest first: at most the last BURST times. */
  readonly loggedAtMs: number[];
  heldBack: number;
  last: LogEvent;
}

export class LogLimit {
  /** Ordered by the last event that was held back. */
  private readonly kinds = new Map<string, Kind>();
  /** Events of `OPPOSITES` that are held back, with their node. */
  private readonly heldBack = new Set<string>();
  private overflow = 0;

  /** Whether to log the event now; otherwise it is counted. Debug events are always logged: somebody asked for them. */
  admits(event: LogEvent, nowMs: number): boolean {
    if (event.level === "debug") return true;
    // Names of hosts count like nodes.
    const { host = "", node = host, warning = "", reason = warning } = event.fields;
    // All reasons of a node are one kind: the last one is logged.
    const key = `${event.level} ${event.event} ${node === "" || PROXY_EVENTS.includes(event.event) ? reason : node}`;
    // However many nodes there are, there is room for losses, errors and the summary.
    const kindsMax = node === "" ? 2 * KINDS_MAX : KINDS_MAX;
    const kind = this.kinds.get(key) ?? this.add(key, event, nowMs, kindsMax);
    if (kind === undefined) {
      this.overflow++;
      return false;
    }
    const { loggedAtMs } = kind;
    // Held-back events are logged before more of their kind, and before their opposite.
    const isNext = kind.heldBack === 0 && !this.heldBack.has(`${OPPOSITES[event.event]} ${node}`);
    if (isNext && (loggedAtMs.length < BURST || nowMs >= loggedAtMs[0] + WINDOW_MS)) {
      loggedAtMs.push(nowMs);
      if (loggedAtMs.length > BURST) loggedAtMs.shift();
      return true;
    }
    kind.heldBack++;
    if (event.event in OPPOSITES) this.heldBack.add(`${event.event} ${node}`);
    kind.last = event;
    this.kinds.delete(key);
    this.kinds.set(key, kind);
    return false;
  }

  /** Returns everything that was held back, and clears it; what was logged recently still counts. */
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
    this.forgetIdle(nowMs);
    return events;
  }

  /** A new kind; undefined if there is no room. */
  private add(key: string, last: LogEvent, nowMs: number, kindsMax: number): Kind | undefined {
    if (this.kinds.size >= kindsMax) this.forgetIdle(nowMs);
    if (this.kinds.size >= kindsMax) return undefined;
    const kind: Kind = { loggedAtMs: [], heldBack: 0, last };
    this.kinds.set(key, kind);
    return kind;
  }

  /** Forgets kinds with nothing held back, and nothing logged within the window. */
  private forgetIdle(nowMs: number): void {
    for (const [key, { loggedAtMs, heldBack }] of this.kinds) {
      const lastMs = loggedAtMs.at(-1) ?? Number.NEGATIVE_INFINITY;
      if (heldBack === 0 && nowMs >= lastMs + WINDOW_MS) this.kinds.delete(key);
    }
  }
}
