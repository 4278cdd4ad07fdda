/** Losses as events: said when they begin, then once a minute how many there were, for as long as they go on. */
import type { LogEvent } from "../log/logLimit.ts";
import { FIGURES, type Key, NODE_FIGURES, nameOf } from "./figures.ts";
import { type FigureWith, figuresWith, visit } from "./readings.ts";
import type { View } from "./view.ts";

export const SAID_AGAIN_MS = 60_000;

const LOSSES = figuresWith("loss", FIGURES);
const NODE_LOSSES = figuresWith("loss", NODE_FIGURES);

/** What a figure was when it was said last, and when. */
interface Said {
  readonly value: number;
  readonly atMs: number;
}

const NOTHING_SAID: Said = { value: 0, atMs: Number.NEGATIVE_INFINITY };

export class Losses {
  /** By node, or undefined for the proxy, then by figure; of those alone that have lost something. */
  private readonly said = new Map<string | undefined, Map<string, Said>>();

  /** What there is to say now. Whatever is not in the view any more is forgotten. */
  see(view: View, nowMs: number): LogEvent[] {
    const events: LogEvent[] = [];
    this.look(LOSSES, view, undefined, nowMs, events);
    for (const node of view.nodes) this.look(NODE_LOSSES, node, node.label, nowMs, events);
    this.forgetOthers(view);
    return events;
  }

  private look<Of>(
    figures: readonly FigureWith<"loss", Of>[],
    of: Of,
    node: string | undefined,
    nowMs: number,
    events: LogEvent[],
  ): void {
    let said = this.said.get(node);
    visit(figures, of, (value, figure, key) => {
      if (value === 0) return;
      const name = nameOf(figure, key);
      const before = said?.get(name) ?? NOTHING_SAID;
      // A node that was taken out and put back within a second counts from 0 again.
      const from = value < before.value ? 0 : before.value;
      if (value === from || nowMs < before.atMs + SAID_AGAIN_MS) return;
      if (said === undefined) {
        said = new Map();
        this.said.set(node, said);
      }
      said.set(name, { value, atMs: nowMs });
      events.push(eventOf(figure, node, key, value - from, value));
    });
  }

  private forgetOthers({ nodes }: View): void {
    const there = new Set<string | undefined>(nodes.map(({ label }) => label)).add(undefined);
    for (const node of this.said.keys()) if (!there.has(node)) this.said.delete(node);
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
