import { describe, expect, test } from "bun:test";
import type { LogFields } from "../../src/log/logfmt.ts";
import { Losses } from "../../src/observe/losses.ts";
import { LOG_AGAIN_MS } from "../../src/observe/unlogged.ts";
import type { NodeView } from "../../src/observe/view.ts";
import { NodeCounters } from "../../src/relay/counters.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";

/** Without what the bench's view begins with. */
function lossesOf(bench: RelayBench) {
  const losses = new Losses();
  const view = () => ({ ...bench.view(), kernelDrops: undefined });
  return (nowMs: number): LogFields[] =>
    losses.update(view(), nowMs).map(({ event, fields }) => ({ event, ...fields }));
}

test("a loss is said when it begins, then once a minute while it goes on", () => {
  const bench = new RelayBench({});
  const see = lossesOf(bench);
  const lose = (lines: number) => (bench.counters.linesDropped.no_live_node += lines);
  const said = (lines: number, total: number) => [{ event: "dropping_lines", reason: "no_live_node", lines, total }];
  expect(see(0)).toEqual([]);
  lose(2);
  expect(see(1)).toEqual(said(2, 2));
  lose(1);
  expect(see(1001)).toEqual([]);
  lose(1);
  // Of what came within the minute it is said when that was, and that it is over.
  expect(see(1 + LOG_AGAIN_MS)).toMatchObject([{ ...said(2, 4)[0], seconds: 60 }]);
  expect(see(1 + 3 * LOG_AGAIN_MS)).toEqual([]);
  lose(1);
  expect(see(2 + 3 * LOG_AGAIN_MS)).toEqual(said(1, 5));
});

test("what is left of a loss that is over is a sum: of how many seconds, and for how long there was none since", () => {
  const bench = new RelayBench({});
  const see = lossesOf(bench);
  bench.nodes[2].counters.linesRefused = 2;
  see(0);
  bench.nodes[2].counters.linesRefused = 4;
  see(3000);
  bench.nodes[2].counters.linesRefused = 9;
  see(12_000);
  expect(see(LOG_AGAIN_MS)).toEqual([
    { event: "refusing", node: BENCH_LABELS[2], lines: 7, total: 9, seconds: 10, quiet_for: 48 },
  ]);
  // Another one is said when it begins.
  bench.nodes[2].counters.linesRefused = 10;
  expect(see(3 * LOG_AGAIN_MS)).toEqual([{ event: "refusing", node: BENCH_LABELS[2], lines: 1, total: 10 }]);
});

test("what a node has lost when it is removed is said then, and what is left at the end is said, too", () => {
  const bench = new RelayBench({});
  const losses = new Losses();
  const [gone, ...others] = bench.view().nodes;
  const [of, stays] = [gone, others[0]].map(({ counters }) => counters.linesDropped);
  const see = (nowMs: number, nodes: readonly NodeView[], isLast = false) =>
    losses
      .update({ ...bench.view(), kernelDrops: undefined, nodes }, nowMs, isLast)
      .map(({ fields }) => [fields.node, fields.lines, fields.total]);
  of.held = 3;
  stays.held = 1;
  expect(see(0, [gone, ...others])).toEqual([
    [gone.label, 3, 3],
    [others[0].label, 1, 1],
  ]);
  of.held = 10;
  stays.held = 2;
  expect(see(1000, [gone, ...others])).toEqual([]);
  of.held = 11;
  expect(see(2000, others)).toEqual([[gone.label, 8, 11]]);
  expect(see(3000, others)).toEqual([]);
  expect(see(4000, others, true)).toEqual([[others[0].label, 1, 2]]);
});

test("every kind of loss is said once, with the node if there is one", () => {
  const bench = new RelayBench({});
  const losses = new Losses();
  bench.counters.linesDropped.no_live_node = 3;
  bench.nodes[1].counters.linesDropped.held = 4;
  bench.counters.consoleCut.idle = 5;
  bench.counters.linesAccepted = 100;
  bench.nodes[0].counters.linesRelayed = 100;
  expect(losses.update(bench.view(), 0)).toEqual([
    { level: "warn", event: "kernel_drops", fields: { datagrams: 7, total: 7 } },
    { level: "warn", event: "dropping_lines", fields: { reason: "no_live_node", lines: 3, total: 3 } },
    { level: "warn", event: "console_cut", fields: { reason: "idle", connections: 5, total: 5 } },
    { level: "warn", event: "dropping_lines", fields: { node: "127.0.0.1:8131", reason: "held", lines: 4, total: 4 } },
  ]);
});

test("what one node loses does not hide what another loses", () => {
  const bench = new RelayBench({});
  const see = lossesOf(bench);
  bench.nodes[0].counters.linesDropped.held = 2;
  expect(see(0)).toMatchObject([{ node: "127.0.0.1:8130", lines: 2 }]);
  bench.nodes[1].counters.linesDropped.held = 2;
  expect(see(1)).toMatchObject([{ node: "127.0.0.1:8131", lines: 2 }]);
});

test("lines that a port refused are said like a loss: nothing else tells of them", () => {
  const bench = new RelayBench({});
  const see = lossesOf(bench);
  bench.nodes[2].counters.linesRefused = 2;
  expect(see(0)).toEqual([{ event: "refusing", node: BENCH_LABELS[2], lines: 2, total: 2 }]);
  bench.nodes[2].counters.linesRefused = 90;
  expect(see(LOG_AGAIN_MS - 1)).toEqual([]);
  expect(see(LOG_AGAIN_MS)).toMatchObject([{ event: "refusing", node: BENCH_LABELS[2], lines: 88, total: 90 }]);
});

test("a node's name never makes one of its figures look like another", () => {
  const bench = new RelayBench({});
  const losses = new Losses();
  const view = () => ({
    ...bench.view(),
    kernelDrops: undefined,
    nodes: bench.view().nodes.map((node, i) => (i === 0 ? { ...node, label: "dc0.lines_dropped" } : node)),
  });
  bench.nodes[0].counters.linesRelayed = 100;
  bench.nodes[0].counters.linesRefused = 3;
  expect(losses.update(view(), 0)).toEqual([
    { level: "warn", event: "refusing", fields: { node: "dc0.lines_dropped", lines: 3, total: 3 } },
  ]);
  bench.nodes[0].counters.linesDropped.held = 4;
  expect(losses.update(view(), 1)).toEqual([
    {
      level: "warn",
      event: "dropping_lines",
      fields: { node: "dc0.lines_dropped", reason: "held", lines: 4, total: 4 },
    },
  ]);
});

describe("a node that leaves", () => {
  /** Sees the nodes that are in `labels`. */
  function lossesWith(bench: RelayBench) {
    const losses = new Losses();
    return (nowMs: number, labels: readonly string[], changed: Partial<NodeView> = {}): LogFields[] => {
      const view = { ...bench.view(), kernelDrops: undefined };
      const nodes = view.nodes
        .filter(({ label }) => labels.includes(label))
        .map((node, i) => (i === 0 ? { ...node, ...changed } : node));
      return losses.update({ ...view, nodes }, nowMs).map(({ event, fields }) => ({ event, ...fields }));
    };
  }

  const [first, second] = BENCH_LABELS;

  test("is forgotten, and the others are not", () => {
    const bench = new RelayBench({});
    const see = lossesWith(bench);
    bench.nodes[0].counters.linesDropped.held = 2;
    bench.nodes[1].counters.linesDropped.held = 3;
    expect(see(0, BENCH_LABELS)).toMatchObject([{ node: first }, { node: second }]);
    expect(see(1, [second])).toEqual([]);
    expect(see(2, BENCH_LABELS)).toMatchObject([{ node: first, lines: 2, total: 2 }]);
  });

  test("and is back before anybody looked has lost what it lost since", () => {
    const bench = new RelayBench({});
    const see = lossesWith(bench);
    bench.nodes[0].counters.linesDropped.held = 5;
    expect(see(0, BENCH_LABELS)).toMatchObject([{ node: first, lines: 5, total: 5 }]);
    // The one that is back counts from 0, and may have lost more by now than the one before had.
    for (const lines of [2, 7]) {
      const counters = new NodeCounters();
      counters.linesDropped.held = lines;
      expect(see(1, BENCH_LABELS, { counters })).toMatchObject([{ node: first, lines, total: lines }]);
    }
  });
});
