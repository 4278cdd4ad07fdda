import { expect, test } from "bun:test";
import { RecentGrowth, WINDOW_MS } from "../../src/observe/recent.ts";
import type { View } from "../../src/observe/view.ts";
import { NodeCounters } from "../../src/relay/counters.ts";
import { RelayBench } from "../support/relayBench.ts";

function growing() {
  const bench = new RelayBench({});
  const growth = new RecentGrowth();
  const first = bench.view().nodes[0].counters;
  const at = (nowMs: number, drops = 0, others: Partial<View> = {}) => {
    return growth.update({ ...bench.view(), ...others, nowMs, kernelDrops: drops }, undefined);
  };
  return { bench, first, at };
}

test("growth is added up for five minutes, and says since when and until when", () => {
  const { first, at } = growing();
  expect(at(0, 0).proxy).toEqual({});
  expect(at(1000, 5).proxy.kernel_drops).toEqual({ amount: 5, sinceMs: 1000, lastMs: 1000 });
  expect(at(61_000, 7).proxy.kernel_drops).toEqual({ amount: 7, sinceMs: 1000, lastMs: 61_000 });
  expect(at(WINDOW_MS + 15_000, 7).proxy.kernel_drops).toEqual({ amount: 2, sinceMs: 1000, lastMs: 61_000 });
  expect(at(WINDOW_MS + 75_000, 7).proxy).toEqual({});
  expect(at(WINDOW_MS + 80_000, 8).proxy.kernel_drops?.sinceMs).toBe(WINDOW_MS + 80_000);
  first.linesDropped.held += 3;
  expect(at(WINDOW_MS + 81_000, 8).nodes.get(first)).toEqual({
    held: { amount: 3, sinceMs: WINDOW_MS + 81_000, lastMs: WINDOW_MS + 81_000 },
  });
});

test("growth is forgotten in steps of ten seconds", () => {
  const { at } = growing();
  at(1000, 5);
  at(15_000, 7);
  expect(at(WINDOW_MS + 5000, 7).proxy.kernel_drops?.amount).toBe(2);
});

test("a node's changes, and lines of the log that were lost, are looked at as well", () => {
  const view = new RelayBench({}).view();
  const [node, ...others] = view.nodes;
  const changed = { ...node, health: { ...node.health, ownChanges: 4 } };
  const { proxy, nodes } = new RecentGrowth().update(
    { ...view, nodes: [changed, ...others], logLinesLost: 3 },
    undefined,
  );
  expect(proxy.log_lines_lost?.amount).toBe(3);
  expect(nodes.get(node.counters)?.state_changes?.amount).toBe(4);
});

test("a wall clock that is set back, or far ahead, neither loses nor repeats what grew", () => {
  const { at } = growing();
  at(1_000_000, 0);
  at(1_001_000, 5);
  expect(at(500_000, 9).proxy.kernel_drops?.amount).toBe(9);
  expect(at(1_002_000, 9).proxy.kernel_drops?.amount).toBe(9);
  expect(at(1e12, 10).proxy.kernel_drops?.amount).toBe(1);
});

test("each counter of a node is looked at, from look to look, and forgotten after five minutes", () => {
  const { bench, first, at } = growing();
  at(0);
  const { linesDropped } = first;
  for (const reason of ["node_down", "held", "send_buffer_full", "send_error"] as const) linesDropped[reason] += 2;
  first.sendErrors += 3;
  first.linesRefused += 4;
  const grown = at(1000).nodes.get(first);
  const amounts = Object.fromEntries(Object.entries(grown ?? {}).map(([name, { amount }]) => [name, amount]));
  expect(amounts).toEqual({
    ...{ node_down: 2, held: 2, send_buffer_full: 2, send_error: 2, send_errors: 3, lines_refused: 4 },
  });
  // What was counted before counts once.
  first.sendErrors += 1;
  expect(at(2000).nodes.get(first)?.send_errors?.amount).toBe(4);
  expect(at(WINDOW_MS + 15_000).nodes.get(first)).toBeUndefined();
  bench.counters.linesDropped.no_live_node += 1;
  bench.counters.internalErrors += 2;
  bench.counters.invariantViolations += 3;
  bench.counters.packetsReceived += 4;
  bench.counters.linesReceived += 5;
  bench.counters.linesRejected[0] += 6;
  const { proxy } = at(WINDOW_MS + 16_000);
  expect(Object.fromEntries(Object.entries(proxy).map(([name, { amount }]) => [name, amount]))).toEqual({
    ...{ no_live_node: 1, internal_errors: 2, invariant_violations: 3, packets_received: 4 },
    ...{ lines_received: 5, lines_rejected: 6 },
  });
});

test("what a node lost stays for five minutes when a reload removes it, and what it loses on leaving", () => {
  const { bench, first, at } = growing();
  const [{ label }, ...nodes] = bench.view().nodes;
  first.linesDropped.held += 5;
  first.sendErrors += 1;
  expect(at(0).gone).toEqual([]);
  first.linesDropped.send_buffer_full += 2;
  const { gone, nodes: grown } = at(1000, 0, { nodes });
  expect(gone).toEqual([expect.objectContaining({ label, counters: first })]);
  expect(grown.get(first)).toMatchObject({ held: { amount: 5 }, send_buffer_full: { amount: 2 } });
  expect(at(WINDOW_MS - 15_000, 0, { nodes }).gone).toHaveLength(1);
  const later = at(WINDOW_MS + 15_000, 0, { nodes });
  expect([later.gone, later.nodes.get(first)]).toEqual([[], undefined]);
});

test("a node that is removed without a loss is watched while it leaves, and no longer", () => {
  const { bench, first, at } = growing();
  const [, ...nodes] = bench.view().nodes;
  at(0);
  expect(at(9000, 0, { nodes }).gone).toHaveLength(1);
  expect(at(10_000, 0, { nodes }).gone).toEqual([]);
  first.sendErrors += 1;
  expect(at(11_000, 0, { nodes }).nodes.get(first)).toBeUndefined();
});

test("however many nodes are removed, a thousand are remembered", () => {
  const { bench, at } = growing();
  const [node] = bench.view().nodes;
  const many = Array.from({ length: 1100 }, () => ({ ...node, counters: new NodeCounters() }));
  at(0, 0, { nodes: many });
  expect(at(1000, 0, { nodes: [] }).gone).toHaveLength(1000);
});

test("how late the event loop was when the kernel dropped something is told for as long as the loss", () => {
  const { at } = growing();
  const late = (maxSeconds: number) => ({ eventLoopLag: { lastSeconds: 0, maxSeconds } });
  at(0, 0, late(9));
  expect(at(1000, 5, late(2.4)).lateSeconds).toBe(2.4);
  expect(at(200_000, 5, late(0)).lateSeconds).toBe(2.4);
});

test("the buffer that was full is the one of then", () => {
  const { at } = growing();
  at(0, 0, { receiveBufferBytes: 4096 });
  expect(at(1000, 5, { receiveBufferBytes: 8192 }).fullBufferBytes).toBe(8192);
  expect(at(2000, 5, { receiveBufferBytes: 65_536 }).fullBufferBytes).toBe(8192);
});
