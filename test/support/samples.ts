/** A reader of Prometheus' text format, as strict as its description. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** @throws at a line that is none of the format */
export function samplesOf(text: string): Sample[] {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  return text
    .slice(0, -1)
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map(sampleOf);
}

function sampleOf(line: string): Sample {
  const [, name, labels = "", value] = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s) ?? [];
  if (name === undefined) throw new Error(`no sample: ${JSON.stringify(line)}`);
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/gs)];
  if (pairs.map(([pair]) => pair).join("") !== labels) throw new Error(`no labels: ${JSON.stringify(labels)}`);
  const unescaped = (text: string) => text.replace(/\\(.)/gs, (_, escaped) => (escaped === "n" ? "\n" : escaped));
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, label, text]) => [label, unescaped(text)])),
    value: Number(value),
  };
}
