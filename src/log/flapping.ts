/**
 * Nodes that go down and come back again and again:
 *
 *     node_down node_up ...  | the tenth within a minute: node_flapping | nothing | quiet for 30 s: flapping_over,
 *     logged                 |                                          |         | and how the node is now
 *
 * Pure: events and times in, events out.
 */
import type { LogEvent } from "./logLimit.ts";

/** So many changes, so close together, are flapping. */
export const FLAPPING_CHANGES = 10;
export const FLAPPING_WITHIN_MS = 60_000;
/** After so long without a change it is over. */
export const QUIET_MS = 30_000;
/** Nodes that are tracked; those of others are logged as they come. */
export const NODES_MAX = 1000;

const CHANGES: readonly string[] = ["node_down", "node_up"];

interface Changing {
  /** Of the last changes, oldest first, as many as make a flapping. */
  readonly atMs: number[];
  last: LogEvent;
  /** Undefined: it does not flap. */
  flaps: { readonly sinceMs: number; changes: number } | undefined;
}

export class Flapping {
  private readonly nodes = new Map<string, Changing>();
  /** Nodes that flap. */
  private count = 0;

  /** Whether something is kept back. */
  get isActive(): boolean {
    return this.count > 0;
  }

  /** What to log instead of the event, mostly the event itself; undefined: nothing. */
  take(event: LogEvent, nowMs: number): LogEvent | undefined {
    if (!CHANGES.includes(event.event)) return event;
    const node = String(event.fields.node);
    const changing = this.nodes.get(node);
    if (changing === undefined) {
      if (this.nodes.size >= NODES_MAX) this.forgetStill(nowMs);
      if (this.nodes.size < NODES_MAX) this.nodes.set(node, { atMs: [nowMs], last: event, flaps: undefined });
      return event;
    }
    const { atMs, last, flaps } = changing;
    changing.last = event;
    if (event.event === last.event) return flaps ? undefined : event;
    atMs.push(nowMs);
    if (atMs.length > FLAPPING_CHANGES) atMs.shift();
    if (flaps !== undefined) {
      flaps.changes++;
      return undefined;
    }
    const sinceMs = atMs[0];
    if (atMs.length < FLAPPING_CHANGES || nowMs - sinceMs > FLAPPING_WITHIN_MS) return event;
    this.count++;
    changing.flaps = { sinceMs, changes: FLAPPING_CHANGES };
    return { level: "warn", event: "node_flapping", fields: { node, ...spanOf(FLAPPING_CHANGES, nowMs - sinceMs) } };
  }

  /** What is to be said of nodes that have been quiet for a while. @param nowMs infinite: of all */
  due(nowMs: number): LogEvent[] {
    const events: LogEvent[] = [];
    for (const [node, { atMs, flaps, last }] of this.nodes) {
      const lastMs = atMs[atMs.length - 1];
      if (flaps === undefined || nowMs - lastMs < QUIET_MS) continue;
      this.nodes.delete(node);
      this.count--;
      const { changes, sinceMs } = flaps;
      const fields = { node, ...spanOf(changes, lastMs - sinceMs) };
      events.push({ level: "info", event: "flapping_over", fields }, since(last, nowMs - lastMs));
    }
    return events;
  }

  private forgetStill(nowMs: number): void {
    for (const [node, { atMs, flaps }] of this.nodes) {
      if (flaps === undefined && nowMs - atMs[atMs.length - 1] > FLAPPING_WITHIN_MS) this.nodes.delete(node);
    }
  }
}

/** How the node is by now. Of the others it says nothing: that would be as it was then. */
function since({ level, event, fields: { node, reason } }: LogEvent, ms: number): LogEvent {
  const told = { node, ...(reason !== undefined && { reason }) };
  return { level, event, fields: Number.isFinite(ms) ? { ...told, seconds_ago: Math.round(ms / 1000) } : told };
}

function spanOf(changes: number, ms: number) {
  return { changes, seconds: Math.round(ms / 100) / 10 };
}
