/** The figures in Prometheus' text format, version 0.0.4. */

import { FIGURES, type Figure, type Metric, NODE_FIGURES, type NodeView, type View } from "../observe/figures.ts";
import { joinedBy } from "../text/pieces.ts";

export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

/** Nodes between two chances to do something else. */
const PART_NODES = 32;

/** A figure of the proxy, or of its nodes. */
type Source = { readonly figure: Figure<View> } | { readonly nodeFigure: Figure<NodeView> };

/** @param build what is known of the program itself: version and the like */
export function* prometheusParts(view: View, build: Labels): Generator<string> {
  for (const [name, sources] of FAMILIES) yield* familyParts(name, sources, view);
  const info = { type: "gauge", help: "always 1; its labels say what is running" } as const;
  yield `${headText("statsd_proxy_build_info", info)}statsd_proxy_build_info${labelText(build, 1)}\n`;
}

/** What a metric is made of: several figures may be one, told apart by labels, and must stand together. */
const FAMILIES: ReadonlyMap<string, readonly Source[]> = Map.groupBy<string, Source>(
  [...FIGURES.map((figure) => ({ figure })), ...NODE_FIGURES.map((nodeFigure) => ({ nodeFigure }))].filter(
    (source) => metricOf(source) !== undefined,
  ),
  (source) => metricOf(source)?.name ?? "",
);

function metricOf(source: Source): (Metric & { readonly meaning: string }) | undefined {
  const { metric, meaning } = "figure" in source ? source.figure : source.nodeFigure;
  return metric && { ...metric, meaning };
}

function* familyParts(name: string, sources: readonly Source[], view: View): Generator<string> {
  let begun = false;
  for (const source of sources) {
    const metric = metricOf(source);
    for (const text of "figure" in source ? proxyParts(source.figure, view) : nodeParts(source.nodeFigure, view)) {
      if (text === "") continue;
      if (!begun && metric) yield headText(name, { type: metric.type, help: metric.help ?? metric.meaning });
      begun = true;
      yield text;
    }
  }
}

function proxyParts(figure: Figure<View>, view: View): string[] {
  return [samplesText(figure, view, {})];
}

function nodeParts(figure: Figure<NodeView>, { nodes }: View): Iterable<string> {
  return joinedBy(PART_NODES, nodes, (node) => samplesText(figure, node, { node: node.label }));
}

function samplesText<Of>(figure: Figure<Of>, of: Of, labels: Labels): string {
  const { metric } = figure;
  const value = metric && figure.read(of);
  if (metric === undefined || value === undefined) return "";
  const all = { ...labels, ...metric.labels };
  if (typeof value === "number") return `${metric.name}${labelText(all, value)}\n`;
  const key = figure.name.match(/<(\w+)>/)?.[1] ?? "";
  let text = "";
  for (const [reason, count] of Object.entries(value)) {
    if (metric.only !== undefined && !metric.only.includes(reason)) continue;
    text += `${metric.name}${labelText({ ...all, [key]: reason }, count)}\n`;
  }
  return text;
}

function headText(name: string, { type, help }: { readonly type: Metric["type"]; readonly help: string }): string {
  const escaped = help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n`;
}

function labelText(labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([name, label]) => `${name}="${escapeLabel(label)}"`);
  return `${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
