import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { prometheusParts } from "../../src/http/prometheus.ts";
import { FIGURES, type Metric, NODE_FIGURES, proxyStatsOf, statsOf, type View } from "../../src/observe/figures.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";
import { type Sample, samplesOf } from "../support/samples.ts";

const BUILD = { version: "1.2.3", bun_version: "1.4.5" };

describe("the text", () => {
  test("has a HELP and a TYPE for each metric, once, and then all of its samples", () => {
    const text = textOf(busyView());
    const names = [...text.matchAll(/^# HELP (\S+) .+\n# TYPE (\S+) (?:counter|gauge)\n(?:\2(?:\{.*\})? .+\n)+/gm)];
    expect(names.map(([block]) => block).join("")).toBe(text);
    for (const [, help, type] of names) expect(help).toBe(type);
    expect(new Set(names.map(([, name]) => name)).size).toBe(names.length);
  });

  test("has no series twice", () => {
    const series = samplesOf(textOf(busyView())).map(({ name, labels }) => JSON.stringify([name, labels]));
    expect(new Set(series).size).toBe(series.length);
  });

  test("says what is running", () => {
    expect(samplesOf(textOf(busyView()))).toContainEqual({
      name: "statsd_proxy_build_info",
      labels: BUILD,
      value: 1,
    });
  });

  test("escapes labels, whatever the nodes are called", () => {
    const label = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "\\", "\n", 'a"} 1\nx{b="'));
    fc.assert(
      fc.property(label, (label) => {
        const view = busyView();
        const nodes = [{ ...view.nodes[0], label }];
        const ups = samplesOf(textOf({ ...view, nodes })).filter(({ name }) => name === "statsd_proxy_node_up");
        expect(ups).toEqual([{ name: "statsd_proxy_node_up", labels: { node: label }, value: 1 }]);
      }),
    );
  });

  test("leaves out what this machine does not have", () => {
    const view = { ...busyView(), kernelDrops: undefined, receiveBufferBytes: undefined, eventLoopLag: undefined };
    expect(textOf(view)).not.toMatch(/kernel_drops|receive_buffer|event_loop/);
    expect(textOf(view)).not.toMatch(/undefined|NaN/);
  });
});

describe("the table of figures", () => {
  test("gives every figure to Prometheus, or is a sum of those that it gives", () => {
    const view = busyView();
    const samples = samplesOf(textOf(view));
    for (const [name, value] of proxyStatsOf(view)) {
      const figure = FIGURES.find((figure) => name === figure.name || isOf(name, figure.name));
      expect(figure).toBeDefined();
      if (figure?.metric === undefined) continue;
      const key = name.slice(figure.name.indexOf("<"));
      if (figure.metric.only !== undefined && !figure.metric.only.includes(key)) continue;
      expect(sampleValue(samples, figure.metric, figure.name, key)).toBe(value);
    }
    const sums = FIGURES.filter(({ metric }) => metric === undefined).map(({ name }) => name);
    expect(sums).toEqual(["lines_rejected", "lines_relayed", "lines_dropped", "lines_pending", "datagrams_sent"]);
    for (const name of sums) {
      const parts = samples.filter((sample) => sample.name.match(`^statsd_proxy_${name}(_total)?$`));
      const value = parts.reduce((sum, part) => sum + part.value, 0);
      expect([name, value]).toEqual([name, new Map(proxyStatsOf(view)).get(name) as number]);
    }
  });

  test("gives every figure of every node to Prometheus, too", () => {
    const view = busyView();
    const samples = samplesOf(textOf(view));
    const figures = new Map(statsOf(view));
    for (const node of BENCH_LABELS) {
      for (const { name, metric, read } of NODE_FIGURES) {
        if (metric === undefined) expect(name).toBe("lines_dropped");
        const value = read(view.nodes[BENCH_LABELS.indexOf(node)]);
        const keys = typeof value === "object" ? Object.keys(value) : [""];
        for (const key of metric === undefined ? [] : keys) {
          const figure = figures.get(`node.${node}.${name.replace(/<\w+>/, key)}`);
          expect(sampleValue(samples, metric as Metric, name, key, { node })).toBe(figure as number);
        }
      }
    }
  });

  test("follows Prometheus' conventions for names", () => {
    for (const { name, unit, metric } of [...FIGURES, ...NODE_FIGURES]) {
      if (metric === undefined) continue;
      expect([name, metric.name]).toEqual([name, expect.stringMatching(/^(statsd_proxy|process)(_[a-z]+)+$/)]);
      expect([name, metric.name.endsWith("_total")]).toEqual([name, metric.type === "counter"]);
      const suffixes: Record<string, string> = { seconds: "_seconds", bytes: "_bytes", part: "_ratio" };
      const suffix = suffixes[unit];
      if (suffix) expect([name, metric.name.replace(/_total$/, "").endsWith(suffix)]).toEqual([name, true]);
    }
  });
});

/** Of three lines that are accepted, one that is not, and one for nobody. */
function busyView(): View {
  const bench = new RelayBench({});
  bench.nodes[0].takes = 0;
  bench.receive("a:1|c\nb:1|c\nc:1|c\nbad\nd:1|c\ne:1|c");
  bench.nodes[1].isUp = false;
  bench.relay.flush();
  bench.receive("a:1|c\nb:1|c\nc:1|c\nd:1|c\ne:1|c");
  bench.counters.linesUnowned = 3;
  bench.counters.httpRequests[200] = 2;
  return bench.view();
}

function textOf(view: View): string {
  return [...prometheusParts(view, BUILD)].join("");
}

function isOf(name: string, pattern: string): boolean {
  const [before, after] = pattern.split(/<\w+>/);
  return after !== undefined && name.startsWith(before);
}

function sampleValue(
  samples: readonly Sample[],
  metric: Metric,
  name: string,
  key: string,
  ofNode: Record<string, string> = {},
): number | undefined {
  const label = name.match(/<(\w+)>/)?.[1];
  const labels = { ...ofNode, ...metric.labels, ...(label && { [label]: key }) };
  return samples.find((sample) => sample.name === metric.name && Bun.deepEquals(sample.labels, labels))?.value;
}
