/** The proxy's own figures as StatsD lines: what grew since the last time as counters, states as gauges. */
import { isGauge, nameOf, readingsOf, type View } from "./figures.ts";

export class SelfMetrics {
  private before = new Map<string, number>();

  /** The lines for this moment. A counter that did not grow is a line too: 0 is another thing than silence. */
  lines(prefix: string, view: View): string[] {
    const labels = labelsInNames(view.nodes.map(({ label }) => label));
    const nodes = view.nodes.map((node, i) => ({ ...node, label: labels[i] }));
    const now = new Map<string, number>();
    const lines = readingsOf({ ...view, nodes }).map((reading) => {
      const { figure, node, value } = reading;
      const name = node === undefined ? nameOf(reading) : `node.${node}.${nameOf(reading)}`;
      now.set(name, value);
      const shown = isGauge(figure) ? value : Math.max(0, value - (this.before.get(name) ?? 0));
      return `${prefix}.${name}:${Number(shown.toFixed(6))}|${isGauge(figure) ? "g" : "c"}`;
    });
    this.before = now;
    return [`${prefix}.uptime_seconds:${Math.floor(view.uptimeSeconds)}|g`, ...lines];
  }
}

/** Labels as parts of a metric's name, as every backend takes them: `127_0_0_1_8130`. No two are the same. */
function labelsInNames(labels: readonly string[]): string[] {
  const taken = new Set<string>();
  for (const label of labels) {
    let part = label.replace(/[^\w-]/g, "_");
    while (taken.has(part)) part += "_";
    taken.add(part);
  }
  return [...taken];
}
