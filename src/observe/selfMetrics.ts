/** The proxy's own figures as StatsD lines: growth since the last report as counters, states as gauges. */
import { FIGURES, type Figure, isGauge, NODE_FIGURES, nameOf } from "./figures.ts";
import { visit } from "./readings.ts";
import type { View } from "./view.ts";

/** Values by name. */
type Values = Map<string, number>;

export class SelfMetrics {
  /** The last report, by the counters of a node, or the proxy's: a node that is removed and added again has others. */
  private before = new Map<object, Values>();

  /** The lines for this moment. A counter that did not grow gets a line too: 0 is not the same as silence. */
  lines(prefix: string, view: View): string[] {
    const { nodes } = view;
    const parts = labelsInNames(nodes.map(({ label }) => label));
    const lines = [`${prefix}.uptime_seconds:${Math.floor(view.uptimeSeconds)}|g`];
    const now = new Map<object, Values>([[view.counters, this.add(lines, FIGURES, view, view.counters, `${prefix}.`)]]);
    for (const [i, node] of nodes.entries()) {
      now.set(node.counters, this.add(lines, NODE_FIGURES, node, node.counters, `${prefix}.node.${parts[i]}.`));
    }
    this.before = now;
    return lines;
  }

  /** Appends lines for all figures; returns their values. */
  private add<Of>(lines: string[], figures: readonly Figure<Of>[], of: Of, counters: object, prefix: string): Values {
    const before = this.before.get(counters);
    const now: Values = new Map();
    visit(figures, of, (value, figure, key) => {
      const name = nameOf(figure, key);
      now.set(name, value);
      const shown = isGauge(figure) ? value : Math.max(0, value - (before?.get(name) ?? 0));
      lines.push(`${prefix}${name}:${Number(shown.toFixed(6))}|${isGauge(figure) ? "g" : "c"}`);
    });
    return now;
  }
}

/** Labels as part of a metric's name that every backend accepts: `127_0_0_1_8130`. No two are the same. */
function labelsInNames(labels: readonly string[]): string[] {
  const taken = new Set<string>();
  for (const label of labels) {
    let part = label.replace(/[^\w-]/g, "_");
    while (taken.has(part)) part += "_";
    taken.add(part);
  }
  return [...taken];
}
