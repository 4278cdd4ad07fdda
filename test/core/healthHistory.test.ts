import { expect, test } from "bun:test";
import { HealthHistory } from "../../src/core/healthHistory.ts";

const passed = (atMs: number) => ({ atMs, durationMs: 2, failure: undefined });
const failed = (atMs: number) => ({ atMs, durationMs: 3, failure: "ECONNREFUSED" });

test("a node is in its first state since the start, without a check", () => {
  const history = new HealthHistory(2, 100);
  expect(history.of(1)).toEqual({ sinceMs: 100, changes: 0, lastCheck: undefined });
  expect(history.changes).toEqual([]);
});

test("a check is remembered until the next, and a change of state with its time and reason", () => {
  const history = new HealthHistory(2, 100);
  history.record(1, failed(200), undefined);
  expect(history.of(1)).toEqual({ sinceMs: 100, changes: 0, lastCheck: failed(200) });
  history.record(1, failed(300), false);
  history.record(1, failed(400), undefined);
  expect(history.of(1)).toEqual({ sinceMs: 300, changes: 1, lastCheck: failed(400) });
  history.record(1, passed(500), true);
  expect(history.of(1)).toEqual({ sinceMs: 500, changes: 2, lastCheck: passed(500) });
  expect(history.of(0)).toEqual({ sinceMs: 100, changes: 0, lastCheck: undefined });
  expect(history.changes).toEqual([
    { atMs: 300, node: 1, isUp: false, failure: "ECONNREFUSED" },
    { atMs: 500, node: 1, isUp: true, failure: undefined },
  ]);
});

test("the last 50 changes are remembered, however often a node comes and goes", () => {
  const history = new HealthHistory(1, 0);
  for (let i = 1; i <= 120; i++) history.record(0, i % 2 ? failed(i) : passed(i), i % 2 === 0);
  expect(history.changes.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 50 }, (_, i) => 71 + i));
  expect(history.of(0).changes).toBe(120);
});
