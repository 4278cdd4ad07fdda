/** Writes the list of counters into the README, from the one table that the console reads. */
import { FIGURES, NODE_FIGURES } from "../src/core/stats.ts";

const README = new URL("../README.md", import.meta.url);

if (import.meta.main) await Bun.write(README, withFigures(await Bun.file(README).text()));

/** The README's text with the list as it should be. */
export function withFigures(readme: string): string {
  return readme.replace(/(<!-- figures: begin -->\n)[\s\S]*(<!-- figures: end -->)/, `$1${figuresTable()}$2`);
}

function figuresTable(): string {
  const rows = [
    ...FIGURES.map((figure) => ({ ...figure, prefix: "" })),
    ...NODE_FIGURES.map((figure) => ({ ...figure, prefix: "node.<host:port>." })),
  ].map(({ prefix, name, unit, meaning }) => `| \`${prefix}${name}\` | ${unit} | ${meaning} |\n`);
  return `| counter | unit | meaning |\n| --- | --- | --- |\n${rows.join("")}`;
}
