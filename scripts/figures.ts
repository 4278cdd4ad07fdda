/** Writes the table of figures into OPERATING.md, from the table that the console and HTTP use. */
import { FIGURES, type Metric, NODE_FIGURES } from "../src/observe/figures.ts";

export const DOCUMENT = new URL("../OPERATING.md", import.meta.url);

if (import.meta.main) await Bun.write(DOCUMENT, withFigures(await Bun.file(DOCUMENT).text()));

/** The document's text with an up-to-date table. */
export function withFigures(text: string): string {
  return text.replace(/(<!-- figures: begin -->\n)[\s\S]*(<!-- figures: end -->)/, `$1${figuresTable()}$2`);
}

function figuresTable(): string {
  const rows = [
    ...FIGURES.map((figure) => ({ ...figure, prefix: "", labels: [] })),
    ...NODE_FIGURES.map((figure) => ({ ...figure, prefix: "node.<host:port>.", labels: ["backend"] })),
  ].map(
    ({ prefix, labels, name, by, unit, meaning, metric }) =>
      `| \`${prefix}${name}${by ? `.<${by}>` : ""}\` | ${unit} | ${meaning} | ${metric ? metricText(labels, metric, by) : ""} |\n`,
  );
  return `| counter | unit | meaning | Prometheus |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}

function metricText(labels: readonly string[], metric: Metric, by: string | undefined): string {
  const fixed = Object.entries(metric.labels ?? {}).map(([label, value]) => `${label}="${value}"`);
  const all = [...labels, ...fixed, ...(by ? [by] : [])];
  return `\`${metric.name}${all.length > 0 ? `{${all.join(",")}}` : ""}\``;
}
