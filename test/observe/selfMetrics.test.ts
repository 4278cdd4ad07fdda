import { describe, expect, test } from "bun:test";
import { SelfMetrics } from "../../src/observe/selfMetrics.ts";
import { Lines, Verdict } from "../../src/protocol/line.ts";
import { RelayBench } from "../support/relayBench.ts";
import { statsOf } from "../support/stats.ts";

describe("self-metrics", () => {
  test("are what grew since the last time as counters, and states as gauges", () => {
    const bench = new RelayBench({ mirror: true });
    const metrics = new SelfMetrics();
    const growth = (lines: string[]) =>
      lines.filter((line) => /px\.(lines_received|lines_pending|nodes_up|node\.127_0_0_1_8130\.up):/.test(line));
    const states = ["px.lines_pending:6|g", "px.nodes_up:3|g", "px.node.127_0_0_1_8130.up:1|g"];
    bench.receive("a:1|c\nb:1|c");
    expect(growth(metrics.lines("px", bench.view()))).toEqual(["px.lines_received:2|c", ...states]);
    bench.receive("bad");
    expect(growth(metrics.lines("px", bench.view()))).toEqual(["px.lines_received:1|c", ...states]);
    expect(growth(metrics.lines("px", bench.view()))).toEqual(["px.lines_received:0|c", ...states]);
    bench.relay.flush();
    expect(metrics.lines("px", bench.view())).toContain("px.node.127_0_0_1_8132.lines_relayed:2|c");
    expect(metrics.lines("px", bench.view())).toContain("px.uptime_seconds:51|g");
  });

  test("go on for a node whose neighbour leaves, though its name was the other's", () => {
    const bench = new RelayBench({});
    const metrics = new SelfMetrics();
    const relayed = (labels: readonly string[]) => {
      const nodes = bench.view().nodes.flatMap((node, i) => (labels[i] ? [{ ...node, label: labels[i] }] : []));
      const lines = metrics.lines("px", { ...bench.view(), nodes });
      return lines.filter((line) => /^px\.node\..*lines_relayed/.test(line));
    };
    bench.nodes[0].counters.linesRelayed = 7;
    bench.nodes[1].counters.linesRelayed = 9;
    expect(relayed(["a.b", "a:b"])).toEqual(["px.node.a_b.lines_relayed:7|c", "px.node.a_b_.lines_relayed:9|c"]);
    bench.nodes[1].counters.linesRelayed = 10;
    expect(relayed(["", "a:b"])).toEqual(["px.node.a_b.lines_relayed:1|c"]);
  });

  test("are all figures, each a good line, whatever the nodes are called", () => {
    const view = new RelayBench({}).view();
    const labels = ["a.b:c|d", "a_b:c|d", "a-b:cäd"];
    const nodes = view.nodes.map((node, i) => ({ ...node, label: labels[i] }));
    const lines = new SelfMetrics().lines("a.b", { ...view, nodes });
    expect(lines).toHaveLength(1 + statsOf(view).length);
    expect(new Set(lines.map((line) => line.split(":")[0])).size).toBe(lines.length);
    for (const line of lines) expect(line).toMatch(/^a\.b\.[\w.-]+:\d+(\.\d+)?\|[cg]$/);
    const cursor = new Lines(["c", "g"], 0);
    const bytes = Buffer.from(lines.join("\n"));
    cursor.open(bytes, 0, bytes.length);
    for (const _ of lines) expect(cursor.next()).toBe(Verdict.accepted);
  });

  test("know which figures may fall", () => {
    const lines = new SelfMetrics().lines("px", new RelayBench({}).view());
    const gauges = lines.filter((line) => line.endsWith("|g")).map((line) => line.slice(3, line.indexOf(":")));
    expect(gauges).toEqual(
      expect.arrayContaining(["lines_pending", "nodes_up", "names_cached", "resident_memory_bytes"]),
    );
    for (const name of ["packets_received", "lines_rejected", "lines_dropped"]) expect(gauges).not.toContain(name);
  });
});
