import { expect, test } from "bun:test";
import { RecentGrowth, WINDOW_MS } from "../../src/observe/recent.ts";
import { RelayBench } from "../support/relayBench.ts";

function growing() {
  const bench = new RelayBench({});
  const growth = new RecentGrowth();
  const first = bench.view().nodes[0].counters;
  const at = (nowMs: number, cpuSeconds = 0, drops = 0) => {
    const view = bench.view();
    return growth.update({
      ...view,
      ...{ nowMs, uptimeSeconds: nowMs / 1000, kernelDrops: drops },
      resources: { ...view.resources, cpuSeconds },
    });
  };
  return { bench, first, at };
}

test("growth is added up for five minutes, and says since when and until when", () => {
  const { first, at } = growing();
  expect(at(0, 0, 0).proxy).toEqual({});
  expect(at(1000, 0, 5).proxy.kernel_drops).toEqual({ amount: 5, sinceMs: 1000, lastMs: 1000 });
  expect(at(61_000, 0, 7).proxy.kernel_drops).toEqual({ amount: 7, sinceMs: 1000, lastMs: 61_000 });
  expect(at(WINDOW_MS + 15_000, 0, 7).proxy.kernel_drops).toEqual({ amount: 2, sinceMs: 1000, lastMs: 61_000 });
  expect(at(WINDOW_MS + 75_000, 0, 7).proxy).toEqual({});
  expect(at(WINDOW_MS + 80_000, 0, 8).proxy.kernel_drops?.sinceMs).toBe(WINDOW_MS + 80_000);
  first.linesDropped.held += 3;
  expect(at(WINDOW_MS + 81_000, 0, 8).nodes.get(first)).toEqual({
    held: { amount: 3, sinceMs: WINDOW_MS + 81_000, lastMs: WINDOW_MS + 81_000 },
  });
});

test("a wall clock that is set back, or far ahead, neither loses nor repeats what grew", () => {
  const { at } = growing();
  at(1_000_000, 0, 0);
  at(1_001_000, 0, 5);
  expect(at(500_000, 0, 9).proxy.kernel_drops?.amount).toBe(9);
  expect(at(1_002_000, 0, 9).proxy.kernel_drops?.amount).toBe(9);
  expect(at(1e12, 0, 10).proxy.kernel_drops?.amount).toBe(1);
});

test("the time of a core is known after ten seconds, and only of the last ten", () => {
  const { at } = growing();
  for (let second = 0; second < 10; second++) expect(at(1000 * second, second).cpuShare).toBeUndefined();
  expect(at(10_000, 10).cpuShare).toBe(1);
  for (let second = 11; second < 20; second++) at(1000 * second, 10);
  expect(at(20_000, 10).cpuShare).toBe(0);
});
