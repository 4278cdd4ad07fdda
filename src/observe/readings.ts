/** Walks the table of figures: every value of a view, in the table's order. */
import { FIGURES, type Figure, type Key, NODE_FIGURES, nameOf } from "./figures.ts";
import type { NodeView, View } from "./view.ts";

/** Visits every known value; `key`: its reason or code. Allocates no objects. */
export function visit<Of, F extends Figure<Of>>(
  figures: readonly F[],
  of: Of,
  take: (value: number, figure: F, key: Key | undefined) => void,
): void {
  for (const figure of figures) {
    const shape: Figure<Of> = figure;
    if (shape.by === undefined) {
      const value = shape.read(of);
      if (value !== undefined) take(value, figure, undefined);
    } else {
      for (const key of shape.keys) take(shape.read(of, key), figure, key);
    }
  }
}

/** A figure that counts a loss, or that has a metric. */
export type FigureWith<Trait extends "loss" | "metric", Of> = Figure<Of> &
  Readonly<Record<Trait, NonNullable<Figure<Of>[Trait]>>>;

/** The figures that have the trait, each limited to the keys that have it. */
export function figuresWith<Trait extends "loss" | "metric", Of>(
  trait: Trait,
  figures: readonly Figure<Of>[],
): readonly FigureWith<Trait, Of>[] {
  const having = figures.filter((figure) => figure[trait] !== undefined) as FigureWith<Trait, Of>[];
  return having.map((figure) => {
    const only = figure[trait].only;
    return figure.by === undefined || only === undefined ? figure : { ...figure, keys: only };
  });
}

/** The proxy's own figures, by name: `lines_rejected.no_colon`. */
export function proxyStatsOf(view: View): [name: string, value: number][] {
  return named(FIGURES, view);
}

/** One node's figures, by name. */
export function nodeStatsOf(node: NodeView): [name: string, value: number][] {
  return named(NODE_FIGURES, node);
}

const AT_STOP = FIGURES.filter((figure) => figure.by === undefined && figure.atStop);

/** The summary that is logged at the end. */
export function summaryOf(view: View): Record<string, number> {
  return Object.fromEntries(named(AT_STOP, view));
}

function named<Of>(figures: readonly Figure<Of>[], of: Of): [name: string, value: number][] {
  const all: [string, number][] = [];
  visit(figures, of, (value, figure, key) => all.push([nameOf(figure, key), value]));
  return all;
}
