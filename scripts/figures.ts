/** Writes the table of counters into OPERATING.md, from the one table that the console and HTTP read. */
import { FIGURES, type Metric, NODE_FIGURES } from "../src/observe/figures.ts";

export const DOCUMENT = new URL("../OPERATING.md", import.meta.url);

if (import.meta.main) await Bun.write(DOCUMENT, withFigures(await Bun.file(DOCUMENT).text()));

/** The document's text with the table as it should be. */
export function withFigures(text: string): string {
  return text.replace(/(<!-- figures: begin -->\n)[\s\S]*(<!-- figures: end -->)/, `$1${figuresTable()}$2`);
}

function figuresTable(): string {
  const rows = [
    ...FIGURES.map((figure) => ({ ...figure, prefix: "", labels: [] })),
    ...NODE_FIGURES.map((figure) => ({ ...figure, prefix: "node.<host:port>.", labels: ["node"] })),
  ].map(
    ({ prefix, labels, name, unit, meaning, metric }) =>
      `| \`${prefix}${name}\` | ${unit} | ${meaning} | ${metric ? metricText(name, labels, metric) : ""} |\n`,
  );
  return `| counter | unit | meaning | Prometheus |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}

function metricText(name: string, labels: readonly string[], metric: Metric): string {
  const key = name.match(/<(\w+)>/)?.[1];
  const fixed = Object.entries(metric.labels ?? {}).map(([label, value]) => `${label}="${value}"`);
  const keyed = key === undefined ? [] : [key];
  const all = [...labels, ...fixed, ...keyed];
  return `\`${metric.name}${all.length > 0 ? `{${all.join(",")}}` : ""}\``;
}
