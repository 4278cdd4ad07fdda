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
  /** By node (undefined: the proxy), then by figure; only those that have lost something. */
  private readonly logged = new Map<string | undefined, Map<string, Logged>>();

  /** Returns the events that are due, and forgets nodes that are not in the view any more. */
  update(view: View, nowMs: number): LogEvent[] {
    const events: LogEvent[] = [];
    this.collect(LOSSES, view, undefined, nowMs, events);
    for (const node of view.nodes) this.collect(NODE_LOSSES, node, node.label, nowMs, events);
    this.forgetRemoved(view);
    return events;
  }

  private collect<Of>(
    figures: readonly FigureWith<"loss", Of>[],
    of: Of,
    node: string | undefined,
    nowMs: number,
    events: LogEvent[],
  ): void {
    let logged = this.logged.get(node);
    visit(figures, of, (value, figure, key) => {
      if (value === 0) return;
      const name = nameOf(figure, key);
      const before = logged?.get(name) ?? NEVER_LOGGED;
      // A node that was removed and added again within a second counts from 0.
      const from = value < before.value ? 0 : before.value;
      if (value === from || nowMs < before.atMs + LOG_AGAIN_MS) return;
      if (logged === undefined) {
        logged = new Map();
        this.logged.set(node, logged);
      }
      logged.set(name, { value, atMs: nowMs });
      events.push(eventOf(figure, node, key, value - from, value));
    });
  }

  private forgetRemoved({ nodes }: View): void {
    const there = new Set<string | undefined>(nodes.map(({ label }) => label)).add(undefined);
    for (const node of this.logged.keys()) if (!there.has(node)) this.logged.delete(node);
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
