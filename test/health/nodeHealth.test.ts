import { expect, test } from "bun:test";
import { NodeHealth } from "../../src/health/nodeHealth.ts";

const RULES = { fall: 2, rise: 1 };
const passed = (atMs: number) => ({ atMs, durationMs: 2, failure: undefined });
const failed = (atMs: number) => ({ atMs, durationMs: 3, failure: "ECONNREFUSED" });

test("a node is up since the start, without a check", () => {
  expect(new NodeHealth(100)).toMatchObject({ isUp: true, sinceMs: 100, changes: 0, lastCheck: undefined });
});

test("a check is remembered until the next, and a change of state with its time", () => {
  const health = new NodeHealth(100);
  health.record(failed(200), RULES);
  expect(health).toMatchObject({ isUp: true, sinceMs: 100, changes: 0, lastCheck: failed(200) });
  health.record(failed(300), RULES);
  health.record(failed(400), RULES);
  expect(health).toMatchObject({ isUp: false, sinceMs: 300, changes: 1, lastCheck: failed(400) });
  health.record(passed(500), RULES);
  expect(health).toMatchObject({ isUp: true, sinceMs: 500, changes: 2, lastCheck: passed(500) });
});

test("an operator's word is a state of its own, since it was said", () => {
  const health = new NodeHealth(100);
  health.record(failed(200), RULES);
  health.record(failed(300), RULES);
  health.set("drain", 400);
  expect(health).toMatchObject({ state: "drained", sinceMs: 400, changes: 1 });
  health.record(passed(500), RULES);
  expect(health).toMatchObject({ state: "drained", sinceMs: 400, changes: 1 });
  health.set("down", 600);
  expect(health).toMatchObject({ state: "set down", sinceMs: 600, changes: 1 });
  health.set("up", 700);
  expect(health).toMatchObject({ state: "up", sinceMs: 700, changes: 2 });
  // Only the first was the node's own.
  expect(health.ownChanges).toBe(1);
});

test("without an address a node is down, for a reason and without a check, until it is released", () => {
  const health = new NodeHealth(100);
  health.record(passed(150), RULES);
  health.loseAddress("no name", 200);
  expect(health).toMatchObject({ isUp: false, noAddress: "no name", sinceMs: 200, changes: 1, lastCheck: undefined });
  health.loseAddress("no server", 300);
  expect(health).toMatchObject({ isUp: false, noAddress: "no server", sinceMs: 200, changes: 1 });
  health.release(400);
  expect(health).toMatchObject({ isUp: true, noAddress: undefined, sinceMs: 400, changes: 2 });
});

test("a node that is down is so for the check that failed last, however many have passed since", () => {
  const health = new NodeHealth(100);
  const rules = { fall: 1, rise: 3 };
  health.record(failed(200), rules);
  health.record(passed(300), rules);
  expect(health).toMatchObject({ isUp: false, lastCheck: passed(300), lastFailure: "ECONNREFUSED" });
  health.loseAddress("no name", 400);
  expect(health.lastFailure).toBeUndefined();
});

test("what is shown of a node stays as it was, while the node goes on", () => {
  const health = new NodeHealth(0);
  const view = health.view();
  health.set("down", 5);
  expect(view).toMatchObject({ state: "up", sinceMs: 0 });
  expect(health.view()).toMatchObject({ state: "set down", sinceMs: 5 });
});
