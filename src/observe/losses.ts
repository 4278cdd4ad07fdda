/** Losses as log events: the first when a loss begins, then one per minute with the count, for as long as it lasts. */
import type { LogEvent } from "../log/logLimit.ts";
import { FIGURES, type Key, NODE_FIGURES, nameOf } from "./figures.ts";
import { type FigureWith, figuresWith, visit } from "./readings.ts";
import type { View } from "./view.ts";

export const LOG_AGAIN_MS = 60_000;

const LOSSES = figuresWith("loss", FIGURES);
const NODE_LOSSES = figuresWith("loss", NODE_FIGURES);

/** A figure's value when it was last logged, and when that was. */
interface Logged {
  readonly value: number;
  readonly atMs: number;
}

const NEVER_LOGGED: Logged = { value: 0, atMs: Number.NEGATIVE_INFINITY };

export class Losses {
  /** By the counters of a node, or the proxy's, then by figure; only those that have lost something. */
  private readonly logged = new Map<object, Map<string, Logged>>();

  /** Returns the events that are due, and forgets nodes that are not in the view any more. */
  update(view: View, nowMs: number): LogEvent[] {
    const events: LogEvent[] = [];
    this.collect(LOSSES, view, view.counters, undefined, nowMs, events);
    for (const node of view.nodes) this.collect(NODE_LOSSES, node, node.counters, node.label, nowMs, events);
    this.forgetRemoved(view);
    return events;
  }

  private collect<Of>(
    figures: readonly FigureWith<"loss", Of>[],
    of: Of,
    counters: object,
    node: string | undefined,
    nowMs: number,
    events: LogEvent[],
  ): void {
    let logged = this.logged.get(counters);
    visit(figures, of, (value, figure, key) => {
      if (value === 0) return;
      const name = nameOf(figure, key);
      const before = logged?.get(name) ?? NEVER_LOGGED;
      if (value <= before.value || nowMs < before.atMs + LOG_AGAIN_MS) return;
      if (logged === undefined) {
        logged = new Map();
        this.logged.set(counters, logged);
      }
      logged.set(name, { value, atMs: nowMs });
      events.push(eventOf(figure, node, key, value - before.value, value));
    });
  }

  private forgetRemoved({ nodes, counters }: View): void {
    const present = new Set<object>(nodes.map(({ counters }) => counters)).add(counters);
    for (const key of this.logged.keys()) if (!present.has(key)) this.logged.delete(key);
  }
}

function eventOf<Of>(
  { loss, unit }: FigureWith<"loss", Of>,
  node: string | undefined,
  key: Key | undefined,
  lost: number,
  total: number,
): LogEvent {
  const fields = {
    ...(node === undefined ? {} : { node }),
    ...(key === undefined ? {} : { reason: key }),
    [unit]: lost,
    total,
  };
  return { level: "warn", event: loss.event, fields };
}
