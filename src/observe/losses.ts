/** Losses as log events: the first when a loss begins, then one per minute with the count, for as long as it lasts. */
import type { LogEvent } from "../log/logLimit.ts";
import { FIGURES, type Key, NODE_FIGURES, nameOf } from "./figures.ts";
import { type FigureWith, figuresWith, visit } from "./readings.ts";
import { type Growth, Unlogged } from "./unlogged.ts";
import type { NodeView, View } from "./view.ts";

const LOSSES = figuresWith("loss", FIGURES);
const NODE_LOSSES = figuresWith("loss", NODE_FIGURES);

export class Losses {
  /** By the counters of a node, or the proxy's, then by figure; only those that have lost something. */
  private readonly unlogged = new Map<object, Map<string, Unlogged>>();
  private nodes: readonly NodeView[] = [];

  /** Some of it will be due. */
  get hasMore(): boolean {
    return this.unlogged.values().some((figures) => figures.values().some(({ hasMore }) => hasMore));
  }

  /**
   * Returns the events that are due: of nodes that are not in the view any more, all that is left.
   * @param isLast whether there will be no more
   */
  update(view: View, nowMs: number, isLast = false): LogEvent[] {
    const events: LogEvent[] = [];
    const present = new Set(view.nodes.map(({ counters }) => counters));
    for (const node of this.nodes) {
      if (present.has(node.counters)) continue;
      this.collect(NODE_LOSSES, node, node.counters, node.label, { nowMs, isLast: true }, events);
      this.unlogged.delete(node.counters);
    }
    this.nodes = view.nodes;
    this.collect(LOSSES, view, view.counters, undefined, { nowMs, isLast }, events);
    for (const node of view.nodes)
      this.collect(NODE_LOSSES, node, node.counters, node.label, { nowMs, isLast }, events);
    return events;
  }

  private collect<Of>(
    figures: readonly FigureWith<"loss", Of>[],
    of: Of,
    counters: object,
    node: string | undefined,
    { nowMs, isLast }: { readonly nowMs: number; readonly isLast: boolean },
    events: LogEvent[],
  ): void {
    visit(figures, of, (value, figure, key) => {
      if (value === 0) return;
      const growth = this.unloggedOf(counters, nameOf(figure, key)).update(value, nowMs, isLast);
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
