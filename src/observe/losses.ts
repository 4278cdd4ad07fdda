/** Losses as log events: the first when a loss begins, then one per minute with the count, for as long as it lasts. */
import type { LogEvent } from "../log/logLimit.ts";
import { FIGURES, type Key, NODE_FIGURES, nameOf } from "./figures.ts";
import { type FigureWith, figuresWith, visit } from "./readings.ts";
import { type Growth, Unlogged } from "./unlogged.ts";
import type { View } from "./view.ts";

const LOSSES = figuresWith("loss", FIGURES);
const NODE_LOSSES = figuresWith("loss", NODE_FIGURES);

export class Losses {
  /** By the counters of a node, or the proxy's, then by figure; only those that have lost something. */
  private readonly unlogged = new Map<object, Map<string, Unlogged>>();

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
    visit(figures, of, (value, figure, key) => {
      if (value === 0) return;
      const growth = this.unloggedOf(counters, nameOf(figure, key)).update(value, nowMs);
      if (growth !== undefined) events.push(eventOf(figure, node, key, growth, value));
    });
  }

  private unloggedOf(counters: object, name: string): Unlogged {
    const known = this.unlogged.get(counters) ?? new Map<string, Unlogged>();
    this.unlogged.set(counters, known);
    const unlogged = known.get(name) ?? new Unlogged();
    known.set(name, unlogged);
    return unlogged;
  }

  private forgetRemoved({ nodes, counters }: View): void {
    const present = new Set<object>(nodes.map(({ counters }) => counters)).add(counters);
    for (const key of this.unlogged.keys()) if (!present.has(key)) this.unlogged.delete(key);
  }
}

function eventOf<Of>(
  { loss, unit }: FigureWith<"loss", Of>,
  node: string | undefined,
  key: Key | undefined,
  { amount, span }: Growth,
  total: number,
): LogEvent {
  const fields = {
    ...(node === undefined ? {} : { node }),
    ...(key === undefined ? {} : { reason: key }),
    [unit]: amount,
    total,
    ...span,
  };
  return { level: "warn", event: loss.event, fields };
}
