import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { prometheusParts } from "../../src/http/prometheus.ts";
import { DelayHistogram } from "../../src/observe/delayHistogram.ts";
import { FIGURES, type Figure, type Key, NODE_FIGURES, nameOf } from "../../src/observe/figures.ts";
import { proxyStatsOf, visit } from "../../src/observe/readings.ts";
import type { View } from "../../src/observe/view.ts";
import { RelayBench } from "../support/relayBench.ts";
import { type Sample, samplesOf } from "../support/samples.ts";

setDefaultTimeout(30_000);

const BUILD = { version: "1.2.3", bun_version: "1.4.5" };

describe("the text", () => {
  test("has a HELP and a TYPE for each metric, once, and then all of its samples", () => {
    const text = textOf(busyView());
    const names = [
      ...text.matchAll(
        /^# HELP (\S+) .+\n# TYPE (\S+) (?:counter|gauge|histogram)\n(?:\2(?:_bucket|_sum|_count)?(?:\{.*\})? .+\n)+/gm,
      ),
    ];
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

  test("says which configuration is in force", () => {
    const view = busyView();
    expect(
      samplesOf(textOf({ ...view, configuration: { ...view.configuration, hash: "0123456789ab" } })),
    ).toContainEqual({
      name: "statsd_proxy_config_info",
      labels: { hash: "0123456789ab" },
      value: 1,
    });
  });

  test("says whether it is healthy, and whether an operator has set it down", () => {
    const values = (view: View) =>
      ["health_up", "set_down"].map(
        (name) => samplesOf(textOf(view)).find((sample) => sample.name === `statsd_proxy_${name}`)?.value,
      );
    const view = busyView();
    expect(values(view)).toEqual([1, 0]);
    expect(values({ ...view, health: { ...view.health, isUp: false } })).toEqual([0, 1]);
    expect(values({ ...view, nodes: view.nodes.map((node) => ({ ...node, isUp: false })) })).toEqual([0, 0]);
  });

  test("says which backends are checked", () => {
    const view = busyView();
    const [first] = view.nodes;
    const nodes = [0, 8126].map((managementport) => ({
      ...first,
      label: String(managementport),
      config: { ...first.config, managementport },
    }));
    const checked = samplesOf(textOf({ ...view, nodes })).filter(({ name }) => name === "statsd_proxy_node_checked");
    expect(checked.map(({ labels, value }) => [labels.backend, value])).toEqual([
      ["0", 0],
      ["8126", 1],
    ]);
  });

  test("escapes labels, whatever the nodes are called", () => {
    const label = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "\\", "\n", 'a"} 1\nx{b="'));
    fc.assert(
      fc.property(label, (label) => {
        const view = busyView();
        const nodes = [{ ...view.nodes[0], label }];
        const ups = samplesOf(textOf({ ...view, nodes })).filter(({ name }) => name === "statsd_proxy_node_up");
        expect(ups).toEqual([{ name: "statsd_proxy_node_up", labels: { backend: label }, value: 1 }]);
      }),
    );
  });

  test("leaves out what this machine does not have", () => {
    const view = {
      ...busyView(),
      kernelDrops: undefined,
      receiveBufferBytes: undefined,
      eventLoopLag: undefined,
      delay: undefined,
    };
    expect(textOf(view)).not.toMatch(/kernel_drops|receive_buffer|event_loop|delay/);
    expect(textOf(view)).not.toMatch(/undefined|NaN/);
  });

  test("has the delays as a histogram, whose buckets add up to its count", () => {
    const delays = new DelayHistogram();
    for (const ms of [0.1, 0.101, 9, 20_000]) delays.record(ms, 0, 1);
    const samples = samplesOf(textOf({ ...busyView(), delay: delays.view(0) }));
    const of = (suffix: string) => samples.filter(({ name }) => name === `statsd_proxy_delay_seconds_${suffix}`);
    const buckets = of("bucket").map(({ labels, value }) => [labels.le, value]);
    expect(buckets.slice(0, 2)).toEqual([
      ["0.0001", 1],
      ["0.00025", 2],
    ]);
    expect(buckets.slice(5, 7)).toEqual([
      ["0.005", 2],
      ["0.01", 3],
    ]);
    expect(buckets.slice(-2)).toEqual([
      ["10", 3],
      ["+Inf", 4],
    ]);
    expect(of("count").map(({ value }) => value)).toEqual([4]);
    expect(of("sum")[0].value).toBeCloseTo(20.009201, 9);
  });
});

describe("the table of figures", () => {
  test("gives every figure to Prometheus, or is a sum of those that it gives", () => {
    const view = busyView();
    const samples = samplesOf(textOf(view));
    const seen: string[] = [];
    visit(FIGURES, view, (value, figure, key) => {
      seen.push(nameOf(figure, key));
      const only: readonly Key[] | undefined = figure.metric?.only;
      if (figure.metric === undefined || (only !== undefined && !only.includes(key as Key))) return;
      expect(sampleValue(samples, figure, key)).toBe(value);
    });
    expect(seen).toEqual(proxyStatsOf(view).map(([name]) => name));
    const sums = FIGURES.filter(({ metric }) => metric === undefined).map(({ name }) => name);
    expect(sums).toEqual([
      "lines_rejected",
      "lines_relayed",
      "lines_refused",
      "lines_dropped",
      "lines_pending",
      "datagrams_sent",
      // Of the histogram.
      "delay_p50_seconds",
      "delay_p99_seconds",
      "delays_measured",
    ]);
    for (const name of sums) {
      if (name.startsWith("delay")) continue;
      const parts = samples.filter((sample) => sample.name.match(`^statsd_proxy_${name}(_total)?$`));
      const value = parts.reduce((sum, part) => sum + part.value, 0);
      expect([name, value]).toEqual([name, new Map(proxyStatsOf(view)).get(name) as number]);
    }
  });

  test("gives every figure of every node to Prometheus, too", () => {
    const view = busyView();
    const samples = samplesOf(textOf(view));
    for (const node of view.nodes) {
      visit(NODE_FIGURES, node, (value, figure, key) => {
        if (figure.metric === undefined) expect(nameOf(figure, key)).toBe("lines_dropped");
        else expect(sampleValue(samples, figure, key, { backend: node.label })).toBe(value);
      });
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
  bench.counters.linesDropped.no_live_node = 3;
  bench.counters.httpRequests[200] = 2;
  return bench.view();
}

function textOf(view: View): string {
  return [...prometheusParts(view, BUILD)].join("");
}

function sampleValue(
  samples: readonly Sample[],
  { metric, by }: Figure<never>,
  key: Key | undefined,
  ofNode: Record<string, string> = {},
): number | undefined {
  const labels = { ...ofNode, ...metric?.labels, ...(by && { [by]: String(key) }) };
  return samples.find((sample) => sample.name === metric?.name && Bun.deepEquals(sample.labels, labels))?.value;
}
