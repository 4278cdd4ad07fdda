/** The figures in Prometheus' text format, version 0.0.4. */

import { FIGURES, type Metric, NODE_FIGURES } from "../observe/figures.ts";
import { type FigureWith, figuresWith, visit } from "../observe/readings.ts";
import type { NodeView, View } from "../observe/view.ts";
import { joinedBy } from "../text/pieces.ts";
import { delayMetricText } from "./delayMetric.ts";

export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

/** Nodes per step: other work gets its turn in between. */
const NODES_PER_STEP = 32;

/** A figure of the proxy, or of its nodes. */
type Source = { readonly figure: MetricFigure<View> } | { readonly nodeFigure: MetricFigure<NodeView> };
type MetricFigure<Of> = FigureWith<"metric", Of>;

/** @param build facts about the program itself, such as its version */
export function* prometheusParts(view: View, build: Labels): Generator<string> {
  for (const [name, sources] of FAMILIES) yield* familyParts(name, sources, view);
  const delay = delayMetricText(view.delay);
  if (delay !== "") yield delay;
  yield infoText("statsd_proxy_build_info", "what is running", build);
  yield infoText("statsd_proxy_config_info", "which configuration is in force", { hash: view.configuration.hash });
}

function infoText(name: string, what: string, labels: Labels): string {
  const help = `always 1; the labels tell ${what}`;
  return `${headText(name, { type: "gauge", help })}${name}${labelText(labels, 1)}\n`;
}

/** The figures of each metric: several figures may share one, distinguished by labels, and must be listed together. */
const FAMILIES: ReadonlyMap<string, readonly Source[]> = Map.groupBy<string, Source>(
  [
    ...figuresWith("metric", FIGURES).map((figure) => ({ figure })),
    ...figuresWith("metric", NODE_FIGURES).map((nodeFigure) => ({ nodeFigure })),
  ],
  (source) => metricOf(source).name,
);

function metricOf(source: Source): Metric & { readonly help: string } {
  const { metric, meaning } = "figure" in source ? source.figure : source.nodeFigure;
  return { help: meaning, ...metric };
}

function* familyParts(name: string, sources: readonly Source[], view: View): Generator<string> {
  let begun = false;
  for (const source of sources) {
    const metric = metricOf(source);
    for (const text of "figure" in source ? proxyParts(source.figure, view) : nodeParts(source.nodeFigure, view)) {
      if (text === "") continue;
      if (!begun) yield headText(name, metric);
      begun = true;
      yield text;
    }
  }
}

function proxyParts(figure: MetricFigure<View>, view: View): string[] {
  return [samplesText(figure, view, {})];
}

function nodeParts(figure: MetricFigure<NodeView>, view: View): Iterable<string> {
  const nodes = figure.metric.type === "counter" ? [...view.nodes, ...removedNode(view)] : view.nodes;
  return joinedBy(NODES_PER_STEP, nodes, (node) => samplesText(figure, node, { backend: node.label }));
}

/** What removed nodes counted, as one node without a label: sums over all nodes must not fall when one leaves. */
function removedNode({ retired }: View): NodeView[] {
  if (retired.nodes === 0) return [];
  const health = { sinceMs: 0, ownChanges: 0, lastCheck: undefined };
  return [{ label: "", counters: retired.counters, health } as unknown as NodeView];
}

function samplesText<Of>(figure: MetricFigure<Of>, of: Of, labels: Labels): string {
  const { metric, by } = figure;
  const all = { ...labels, ...metric.labels };
  let text = "";
  visit([figure], of, (value, _, key) => {
    const keyed = by === undefined ? all : { ...all, [by]: String(key) };
    text += `${metric.name}${labelText(keyed, value)}\n`;
  });
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
