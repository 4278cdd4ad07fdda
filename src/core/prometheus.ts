/** The figures in Prometheus' text format, version 0.0.4. */
import { FIGURES, type Figure, type Metric, NODE_FIGURES, type View } from "./stats.ts";

export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly type: Metric["type"];
  readonly help: string;
  readonly samples: string[];
}

/** @param build what is known of the program itself: version and the like */
export function prometheusText(view: View, build: Labels): string {
  const families = new Map<string, Family>();
  for (const figure of FIGURES) addSamples(families, figure, view, {});
  for (const figure of NODE_FIGURES) {
    for (const node of view.nodes) addSamples(families, figure, node, { node: node.label });
  }
  const info = { type: "gauge", help: "always 1; its labels say what is running", samples: [labelText(build, 1)] };
  return [...families, ["statsd_proxy_build_info", info] as const].map(([name, family]) => text(name, family)).join("");
}

function addSamples<Of>(families: Map<string, Family>, figure: Figure<Of>, of: Of, labels: Labels): void {
  const { metric, meaning } = figure;
  const value = metric && figure.read(of);
  if (metric === undefined || value === undefined) return;
  let family = families.get(metric.name);
  if (family === undefined) {
    family = { type: metric.type, help: metric.help ?? meaning, samples: [] };
    families.set(metric.name, family);
  }
  const all = { ...labels, ...metric.labels };
  if (typeof value === "number") {
    family.samples.push(labelText(all, value));
    return;
  }
  const key = figure.name.match(/<(\w+)>/)?.[1] ?? "";
  for (const [reason, count] of Object.entries(value)) {
    if (metric.only !== undefined && !metric.only.includes(reason)) continue;
    family.samples.push(labelText({ ...all, [key]: reason }, count));
  }
}

function text(
  name: string,
  { type, help, samples }: { type: string; help: string; samples: readonly string[] },
): string {
  const escaped = help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  const lines = samples.map((sample) => `${name}${sample}\n`).join("");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n${lines}`;
}

function labelText(labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([name, label]) => `${name}="${escapeLabel(label)}"`);
  return `${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
