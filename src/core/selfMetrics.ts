/** The proxy's own figures as StatsD lines: what grew since the last time as counters, states as gauges. */
import { statsOf, type View } from "./stats.ts";

/** Figures that go up and down; all others only grow. */
export const GAUGES: ReadonlySet<string> = new Set([
  ...["lines_pending", "nodes", "nodes_up", "names_cached", "receive_buffer_bytes", "up"],
]);

export class SelfMetrics {
  private readonly prefix: string;
  private before = new Map<string, number>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The lines for this moment. A counter that did not grow is a line too: 0 is another thing than silence. */
  lines(view: View): string[] {
    const nodes = view.nodes.map((node) => ({ ...node, label: labelInName(node.label) }));
    const figures = statsOf({ ...view, nodes });
    const lines = figures.map(([name, value]) => {
      const isGauge = GAUGES.has(name.replace(/^node\.[^.]*\./, ""));
      const shown = isGauge ? value : Math.max(0, value - (this.before.get(name) ?? 0));
      return `${this.prefix}.${name}:${shown}|${isGauge ? "g" : "c"}`;
    });
    this.before = new Map(figures);
    return [`${this.prefix}.uptime_seconds:${Math.floor(view.uptimeSeconds)}|g`, ...lines];
  }
}

/** A label as one part of a metric's name, as every backend takes it: `127_0_0_1_8130`. */
function labelInName(label: string): string {
  return label.replace(/[^\w-]/g, "_");
}
