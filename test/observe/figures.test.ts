import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FIGURES, NODE_FIGURES } from "../../src/observe/figures.ts";
import { summaryOf } from "../../src/observe/readings.ts";
import type { View } from "../../src/observe/view.ts";
import { REJECT_REASONS } from "../../src/protocol/line.ts";
import {
  CUT_REASONS,
  DROP_REASONS,
  HTTP_CUT_REASONS,
  NODELESS_DROP_REASONS,
  NodeCounters,
} from "../../src/relay/counters.ts";
import { datagram } from "../support/arbitraries.ts";
import { BENCH_LABELS, PLACEMENT, RelayBench } from "../support/relayBench.ts";
import { statsOf } from "../support/stats.ts";

describe("the names of the figures", () => {
  test("are unique, and the table's own", () => {
    for (const table of [FIGURES, NODE_FIGURES]) {
      const names = table.map(({ name, by = "" }) => `${name} ${by}`);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(name).toMatch(/^[a-z0-9_]+ (reason|code|result|state)?$/);
    }
    const names = statsOf(new RelayBench({}).view()).map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test("are unique whatever the nodes are called", () => {
    const label = fc.oneof(
      fc.stringMatching(/^[\x21-\x7e]{1,8}$/),
      fc.constantFrom("lines_dropped", "a", "a.lines_dropped", "a.up", "up", "b.lines_relayed", "b"),
    );
    fc.assert(
      fc.property(fc.uniqueArray(label, { minLength: 3, maxLength: 3 }), (labels) => {
        const view = new RelayBench({}).view();
        const nodes = view.nodes.map((node, i) => ({ ...node, label: labels[i] }));
        const names = statsOf({ ...view, nodes }).map(([name]) => name);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  test("hold every reason that a line or a connection can have", () => {
    const names = new Set(statsOf(new RelayBench({}).view()).map(([name]) => name));
    for (const reason of REJECT_REASONS) expect(names).toContain(`lines_rejected.${reason}`);
    for (const reason of [...DROP_REASONS, ...NODELESS_DROP_REASONS])
      expect(names).toContain(`lines_dropped.${reason}`);
    for (const reason of CUT_REASONS) expect(names).toContain(`console_cut.${reason}`);
    for (const reason of HTTP_CUT_REASONS) expect(names).toContain(`http_cut.${reason}`);
    for (const label of BENCH_LABELS)
      for (const reason of DROP_REASONS) expect(names).toContain(`node.${label}.lines_dropped.${reason}`);
  });
});

test("the verdict is a figure for each state, 1 for the one that it is in", () => {
  const view = new RelayBench({}).view();
  const states = (seen: View) => statsOf(seen).filter(([name, value]) => name.startsWith("verdict.") && value === 1);
  expect(states(view)).toEqual([["verdict.ok", 1]]);
  expect(states({ ...view, health: { isUp: false, sinceMs: 0 } })).toEqual([["verdict.drained", 1]]);
});

describe("every line is in exactly one place", () => {
  const happening = fc.oneof(
    { weight: 6, arbitrary: fc.record({ datagram }) },
    { weight: 1, arbitrary: fc.record({ node: fc.nat({ max: 2 }), isUp: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ node: fc.nat({ max: 2 }), takes: fc.constantFrom(0, 1) }) },
    { weight: 1, arbitrary: fc.record({ inRing: fc.constantFrom([true, true, true], [false, false, false]) }) },
  );

  test.each([false, true])("as the figures show it (mirror: %p)", (mirror) => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40, size: "max" }), fc.constantFrom(0, 100), (happenings, max) => {
        const bench = new RelayBench({ mirror, datagramBytesMax: max });
        for (const happening of happenings) {
          if ("datagram" in happening) bench.receive(happening.datagram);
          else if ("inRing" in happening) bench.locator?.use(() => PLACEMENT.live(happening.inRing));
          else if ("isUp" in happening) bench.nodes[happening.node].isUp = happening.isUp;
          else bench.nodes[happening.node].takes = happening.takes;

          const figure = figuresOf(bench.view());
          expect(figure("lines_received")).toBe(figure("lines_rejected") + figure("lines_accepted"));
          const places = (prefix: string) =>
            ["lines_relayed", "lines_dropped", "lines_pending"].map((name) => figure(prefix + name));
          if (mirror) {
            for (const label of BENCH_LABELS) expect(sum(places(`node.${label}.`))).toBe(figure("lines_accepted"));
          } else {
            expect(sum(places(""))).toBe(figure("lines_accepted"));
          }
          expect(figure("lines_rejected")).toBe(
            sum(REJECT_REASONS.map((reason) => figure(`lines_rejected.${reason}`))),
          );
          const dropReasons = [...NODELESS_DROP_REASONS, ...DROP_REASONS];
          expect(figure("lines_dropped")).toBe(sum(dropReasons.map((reason) => figure(`lines_dropped.${reason}`))));
          for (const name of ["lines_relayed", "lines_pending", "datagrams_sent"])
            expect(figure(name)).toBe(sum(BENCH_LABELS.map((label) => figure(`node.${label}.${name}`))));
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a figure", () => {
  test("of nodes that are up counts those", () => {
    const view = new RelayBench({}).view();
    const nodes = view.nodes.map((node, i) => ({ ...node, isUp: i !== 1 }));
    const figure = figuresOf({ ...view, nodes });
    expect([figure("nodes"), figure("nodes_up")]).toEqual([3, 2]);
    expect(BENCH_LABELS.map((label) => figure(`node.${label}.up`))).toEqual([1, 0, 1]);
  });

  test("that this machine does not have is not shown", () => {
    const view = { ...new RelayBench({}).view(), kernelDrops: undefined, receiveBufferBytes: undefined };
    const names = statsOf(view).map(([name]) => name);
    expect(names).not.toContain("kernel_drops");
    expect(names).not.toContain("receive_buffer_bytes");
    expect(statsOf(view).every(([, value]) => Number.isFinite(value))).toBe(true);
  });

  test("is told at the stop if it says what came of it all, and is known", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c\nbad");
    bench.counters.linesDropped.internal_error = 4;
    const lines = { lines_received: 2, lines_rejected: 1, lines_relayed: 0, lines_refused: 0, lines_dropped: 4 };
    expect(Object.entries(summaryOf(bench.view()))).toEqual(
      Object.entries({ packets_received: 1, kernel_drops: 7, datagrams_unread: 0, ...lines }),
    );
    expect(summaryOf({ ...bench.view(), kernelDrops: undefined })).not.toHaveProperty("kernel_drops");
  });

  test("begins with the one that go-statsd-proxy shows first", () => {
    expect(statsOf(new RelayBench({}).view())[0]).toEqual(["packets_received", 0]);
  });
});

function figuresOf(view: View): (name: string) => number {
  const figures = new Map(statsOf(view));
  return (name) => figures.get(name) ?? Number.NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

test("the totals include nodes that were removed", () => {
  const counters = new NodeCounters();
  counters.linesRelayed = 5;
  counters.linesDropped.send_error = 3;
  counters.datagramsSent = 2;
  const stats = Object.fromEntries(
    statsOf({ ...new RelayBench({}).view(), retired: { nodes: 1, counters, linesPending: 7 } }),
  );
  expect(stats).toMatchObject({ lines_relayed: 5, lines_dropped: 3, datagrams_sent: 2, lines_pending: 7 });
  expect(stats["lines_dropped.send_error"]).toBe(3);
});
